#!/bin/sh
# test_recovery.sh BUILD: the benchmark of dying as a program: one death of each kind, and that our
# monitors keep what they promise at each. How long it takes is not tested here.
set -u

recovery=$1/recovery
. "$(dirname "$0")/../../monitor/test/check.sh"

# refused ARGUMENTS...: it is wrong usage.
refused()
{
	"$recovery" "$@"
	[ $? -eq 2 ]
}

# rows COUNT PATTERN: so many lines of the CSV file look so.
rows()
{
	cat "$folder/csv"
	[ "$(grep -cE "$2" "$folder/csv")" -eq "$1" ]
}

check "help" sh -c "'$recovery' --help | grep -q -e --limit-ms"
check "a bad number" refused --kills 0
check "no number" refused --limit-ms soon
check "a word too much" refused now
check "a folder that is not there" refused --csv "$folder/nowhere/csv"
check "one of each kind" timeout 120 "$recovery" --kills 1 --csv "$folder/csv"
check "a row for each" rows 17 '^"[a-z, ]*","(monitor, (tcp|ipc)|pthread)",1,'
check "the others went on, and no signal was lost" rows 4 '^"(holder|queued) killed","monitor, ...",1,[0-9]+,0,0,0,0,0,0$'
check "neither with waiters" rows 6 '^"(waiter|signalled) .*","monitor, ...",1,[0-9]+,4,0,0,0,0,0$'
check "a lease was kept" rows 2 '^"holder stopped","monitor, ...",1,[0-9]+,0,0,0,0,0,0$'
# What the pthread side shows is glibc's; that a signalled one's signal is gone holds everywhere.
check "a pthread waiter took its signal along" rows 1 '^"signalled killed","pthread",1,,4,1,'
finish
