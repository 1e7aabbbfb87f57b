#!/bin/sh
# test_install.sh BUILD: what `make install` puts somewhere can be used from there: by the program
# in the README, by C++, through pkg-config, statically, and by a foreign-function interface.
set -u

build=$1
. "$(dirname "$0")/check.sh"

MAKEFLAGS= make --no-print-directory B="$build" DESTDIR="$folder/stage" PREFIX=/opt/dm install >"$folder/log" 2>&1 ||
	cat "$folder/log"
root=$folder/stage/opt/dm
export PKG_CONFIG_PATH="$root/lib/pkgconfig" PKG_CONFIG_SYSROOT_DIR="$folder/stage"
export LD_LIBRARY_PATH="$root/lib"
flags=$(pkg-config --cflags --libs dmonitor)
static="$(pkg-config --cflags dmonitor) $root/lib/libdmonitor.a -lzmq -lcjson -lm -pthread"

: >"$folder/listening"
"$root/bin/monitor_server" --bind "ipc://@install-$$" >"$folder/listening" &
server=$!
pids=$server
until grep -q listening "$folder/listening"; do kill -0 "$server" || exit 1; done

# The first C program of the README, against this server.
awk '/^```c$/ { on = 1; next } /^```$/ { if (on) exit } on' README.md |
	sed "s|tcp://127.0.0.1:5555|ipc://@install-$$|" >"$folder/readme.c"
check "the README has a program of at most 25 lines" \
	awk 'END { exit !(NR > 5 && NR <= 25) }' "$folder/readme.c"
# shellcheck disable=SC2086 # flags are words
{
	check "the README's program compiles without a warning" \
		cc -Wall -Wextra -Werror -o "$folder/readme" "$folder/readme.c" $flags
	check "the README's program runs" timeout 20 "$folder/readme"
	check "it links with the static library" cc -o "$folder/static" "$folder/readme.c" $static
	check "and runs so" timeout 20 "$folder/static"
}

cat >"$folder/plus.cc" <<'END'
#include <dmonitor.h>
int main(int, char **argv)
{
	dmonitor_session *session = nullptr;
	dmonitor *monitor = nullptr;
	int inside = 0;
	if (dmonitor_connect(argv[1], nullptr, &session) != 0 ||
	    dmonitor_open(session, "plus", DMONITOR_ASYNC_EXIT, &monitor) != 0)
		return 1;
	try {
		DMONITOR_WITH (monitor) {
			inside = dmonitor_entered(monitor);
			throw 1;
		}
	} catch (int) {
	}
	return !(inside == 1 && !dmonitor_entered(monitor) && dmonitor_disconnect(&session) == 0);
}
END
if command -v g++ >/dev/null; then
	# shellcheck disable=SC2086
	check "C++ compiles it" g++ -Wall -Wextra -Werror -o "$folder/plus" "$folder/plus.cc" $flags
	check "an exception leaves the block, and the monitor" timeout 20 "$folder/plus" "ipc://@install-$$"
fi

cat >"$folder/foreign.py" <<'END'
import ctypes, sys
lib = ctypes.CDLL(sys.argv[1])
lib.dmonitor_token.restype = ctypes.c_uint64
session, monitor = ctypes.c_void_p(), ctypes.c_void_p()
assert lib.dmonitor_connect(sys.argv[2].encode(), None, ctypes.byref(session)) == 0
assert lib.dmonitor_open(session, b"foreign", 0, ctypes.byref(monitor)) == 0
assert lib.dmonitor_enter(monitor) == 0
assert lib.dmonitor_token(monitor) > 0
assert lib.dmonitor_signal(monitor, b"c") == 0
assert lib.dmonitor_exit(monitor) == 0
assert lib.dmonitor_disconnect(ctypes.byref(session)) == 0 and not session
END
check "a foreign-function interface uses the shared library" \
	timeout 20 /usr/bin/python3 "$folder/foreign.py" "$root/lib/libdmonitor.so.0" "ipc://@install-$$"

check "the installed checker runs" timeout 20 "$root/bin/monitor_check" --version
check "the installed demo runs" timeout 60 "$root/bin/producer_consumer" --produce-time 0 --consume-time 0
check "uninstall leaves nothing" sh -c \
	"make --no-print-directory B='$build' DESTDIR='$folder/stage' PREFIX=/opt/dm uninstall &&
	[ -z \"\$(find '$root' -type f -o -type l)\" ]"

finish
