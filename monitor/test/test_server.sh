#!/bin/sh
# test_server.sh BUILD: the program monitor_server: its command line, its endpoints, its end.
set -u

server=$1/monitor_server
. "$(dirname "$0")/check.sh"

# says STATUS TEXT ARGUMENTS...: the server exits so, and says something with TEXT in it.
says()
{
	status=$1 text=$2
	shift 2
	timeout 20 "$server" "$@" >"$folder/out" 2>&1
	got=$?
	cat "$folder/out"
	[ $got -eq "$status" ] && grep -qF -e "$text" "$folder/out"
}

# start ARGUMENTS...: start a server, and wait until it listens.
start()
{
	: >"$folder/listening"
	"$server" "$@" >"$folder/listening" &
	pid=$!
	pids="$pids $pid"
	until grep -q listening "$folder/listening"; do kill -0 $pid || return 1; done
}

# ends SIGNAL: the server started last ends by it with status 0.
ends()
{
	kill -"$1" $pid
	wait $pid
}

check "--help suffices and exits 0" says 0 "--lease-ms N" --help
check "--version" says 0 "protocol 2" --version
check "an unknown option" says 2 "--help" --nonsense
check "an option without its value" says 2 "--help" --bind
check "a number that is none" says 2 "--lease-ms: \"5s\" is not a number from 200 to 3600000" --lease-ms 5s
check "a number out of range" says 2 "not a number from 200" --lease-ms 199
check "an operand" says 2 "what is \"x\"?" x
check "an endpoint that is none" says 1 "cannot listen at nonsense" --bind nonsense

# With so few descriptors, soft and hard, the server must not start.
few() { (ulimit -n 1000 && says "$@"); }
check "too few descriptors" few 1 "10000 sessions on up to 12564 connections take 12820 file descriptors, and this process may have 1000" --bind 'tcp://127.0.0.1:*'
check "and what to do" few 1 "raise that limit (ulimit -n, LimitNOFILE=), or lower --max-sessions" --bind 'tcp://127.0.0.1:*'
check "as many as there may be" few 1 "take 1001 file descriptors" --max-connections 745 --bind 'tcp://127.0.0.1:*'
# raises: with a low soft limit the server raises it to what it needs.
raises()
{
	ulimit -S -n 256 && start --max-connections 500 --bind 'tcp://127.0.0.1:*' &&
		[ "$(awk '/^Max open files/ { print $4 }' /proc/$pid/limits)" -ge 756 ]
}
check "the soft limit is raised" raises
check "and no harm is done" ends TERM
check "each limit is told by --help" sh -c "for o in sessions monitors conditions clients places ids connections refused unread-kib; do
	'$server' --help | grep -q -- \"--max-\$o N\" || exit 1; done"

check "two endpoints, and a port of the system's choice" start --bind 'tcp://127.0.0.1:*' --bind "ipc://$folder/socket"
check "each is told with its port" grep -qE '^listening tcp://127.0.0.1:[0-9]+$' "$folder/listening"
endpoint=$(sed -n 's/^listening \(tcp.*\)/\1/p' "$folder/listening")
check "a port that is taken" says 1 "Address already in use" --bind "$endpoint"
check "an ipc path that is taken stays its owner's" says 1 "Address already in use" --bind "ipc://$folder/socket"
check "SIGTERM ends it" ends TERM
check "a socket file left over is no obstacle" start --bind "ipc://$folder/socket"
check "SIGINT ends it" ends INT

finish
