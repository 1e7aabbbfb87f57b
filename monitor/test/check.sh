# check.sh: for test scripts, to be sourced: a folder of one's own, and checks that are counted.
folder=$(mktemp -d)
passed=0 failed=0
pids= # of what was started in the background; ended with the script
trap '[ -z "$pids" ] || kill $pids 2>/dev/null; rm -rf "$folder"' EXIT

# check WHAT COMMAND...: the command must succeed; its output is shown if it does not.
check()
{
	what=$1
	shift
	if "$@" >"$folder/log" 2>&1; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		echo "FAILED: $what"
		cat "$folder/log"
	fi
}

# The closing line, and its status.
finish()
{
	echo "$passed passed, $failed failed"
	[ "$failed" -eq 0 ]
}
