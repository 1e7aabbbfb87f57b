#!/bin/sh
# check.sh FOLDER: let Spin look at every state of monitor.pml, in some sizes; then show that the model is
# sharp: each mutant of it must be caught, and each thing that should happen must be found to happen. The
# checkers are built in FOLDER. One line for each; ends with "N passed, N failed".
set -u

model=$(cd "$(dirname "$0")" && pwd)/monitor.pml
mkdir -p "$1" && cd "$1" || exit 1
passed=0
failed=0

# checker FLAGS C-FLAGS: build ./pan.
checker()
{
	rm -f pan pan.* ./*.trail
	: >report
	# shellcheck disable=SC2086
	spin -a $1 "$model" >build.log 2>&1 &&
		gcc -w $2 -DMEMLIM=6000 -o pan pan.c >>build.log 2>&1 && return
	cat build.log
	return 1
}

judge()
{
	if [ "$1" -eq 0 ]; then
		passed=$((passed + 1)) verdict=ok
	else
		failed=$((failed + 1)) verdict=FAILED
	fi
}

# A figure of Spin's report.
figure()
{
	sed -n "s/$1.*/\\1/p" report | head -n 1
}

# complete WHAT FLAGS C-FLAGS RUN-FLAGS: all states, and no error in any. A search that was cut short, by
# its depth or by memory, has not seen all.
complete()
{
	checker "$2" "-O2 $3" && ./pan -m1000000 $4 >report 2>&1
	grep -q 'errors: 0$' report && ! grep -qE 'max search depth|out of memory|reached -DMEMLIM|truncated' report
	judge $?
	printf '%-6s %-46s %10s states, depth %3s, %5s s, %4s MB, errors: %s\n' $verdict "$1" \
		"$(figure '^ *\([0-9]*\) states, stored')" "$(figure '.*depth reached \([0-9]*\)')" \
		"$(figure '.*elapsed time \([0-9]*\)')" "$(figure '^ *\([0-9]*\)[0-9.]*.total actual')" \
		"$(figure '.*errors: \([0-9]*\)')"
	[ $verdict = ok ] || cat report
}

# found NAME: with this defined, an assertion fails somewhere.
found()
{
	checker "-DREQUESTS=2 -DFAULTS=2 -D$1" "-O0 -DSAFETY" && ./pan -m1000000 >report 2>&1
	grep -q 'assertion violated' report
	judge $?
	printf '%-6s %-46s in %s steps\n' $verdict "$1" "$(figure '.*violated.*at depth \([0-9]*\)')"
	[ $verdict = ok ] || tail -n 20 report
}

complete "2 clients, 2 faults, no endless run" "-DCLIENTS=2" "-DNP" "-l"
complete "3 clients, 1 fault, no endless run" "-DFAULTS=1" "-DNP" "-l"
complete "2 clients, 3 requests, tokens counted" "-DCLIENTS=2 -DREQUESTS=3 -DTOKENS_ARE_COUNTED" "-DSAFETY" ""
complete "3 clients, no fault, 3 requests" "-DFAULTS=0 -DREQUESTS=3" "-DSAFETY" ""
complete "3 clients, 2 conditions, 1 death, 2 faults" "" "-DSAFETY" ""
for name in $(grep -oE '\b(MUTANT|REACH)_[A-Z_]+' "$model" | grep -vE '_$' | sort -u); do
	found "$name"
done
echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
