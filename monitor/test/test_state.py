"""Tests of monitor_server --state FILE: tokens rise over every restart, or nobody is given one.

    /usr/bin/python3 test_state.py SERVER_PROGRAM [TEST]...
"""
import itertools
import os
import shutil
import signal
import subprocess
import sys

sys.dont_write_bytecode = True

from clients import Polling, Silent
from serving import Server, run, same, tests_of, until

CLOCK_SHIM = r"""
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
int clock_gettime(clockid_t clock, struct timespec *now)
{
	const long result = syscall(SYS_clock_gettime, clock, now);
	const char *back = getenv("TEST_CLOCK_BACK_S");
	if (clock == CLOCK_REALTIME && back != NULL)
		now->tv_sec -= atol(back);
	return (int)result;
}
"""
YEAR_S = 366 * 24 * 3600


class Place:
    """A folder with a state file, and servers that use it."""

    def __init__(self, server):
        self.program = server.program
        self.folder = os.path.join(server.folder, "state")
        os.mkdir(self.folder)
        self.path = os.path.join(self.folder, "tokens")

    def start(self, *options, path=None, **how):
        return Server(self.program, "--state", path or self.path, *options, **how)

    def refused(self, *needles, path=None, options=(), wrapper=()):
        """The server must not start, say a sentence with all needles, and exit with 1."""
        done = subprocess.run([*wrapper, self.program, "--bind", "tcp://127.0.0.1:*", "--state", path or self.path, *options],
                              capture_output=True, timeout=20)
        said = done.stderr.decode()
        same(done.returncode, 1, f"the exit status; it said {said!r}")
        same(done.stdout, b"", "what it printed")
        same(said.count("\n"), 1, f"the lines of {said!r}")
        for needle in needles:
            if needle not in said:
                raise AssertionError(f"{needle!r} is not in {said!r}")

    def reserved(self):
        with open(self.path) as file:
            return int(file.read().split("up to ")[1].split(",")[0])

    def token(self, *options, end=None, **how):
        """The token of one grant of a server that is then ended, or killed."""
        server = self.start(*options, **how)
        try:
            return grants(server, 1)[0]
        finally:
            if end is not None:
                os.kill(server.pid, end)
                server.process.wait()
                server.end()
            else:
                same(server.end(), [])


takers = itertools.count()


def grants(server, count):
    """The tokens of so many grants. Each time by another id: the last one's connection may still be there."""
    tokens = []
    with Polling(server.tcp, f"taker{next(takers)}") as taker:
        for _ in range(count):
            tokens.append(int(taker.enter("m")["token"]))
            taker.exit("m")
    return tokens


def clock_shim(folder):
    source, library = os.path.join(folder, "shim.c"), os.path.join(folder, "shim.so")
    with open(source, "w") as file:
        file.write(CLOCK_SHIM)
    subprocess.run(["cc", "-shared", "-fPIC", "-o", library, source], check=True)
    return {"LD_PRELOAD": library, "ASAN_OPTIONS": "verify_asan_link_order=0"}


def mounted(what):
    """A command that mounts a small file system of its own and becomes what follows; None: cannot be had here."""
    wrapper = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-ec", what + '\nexec "$@"', "sh"]
    if subprocess.run([*wrapper, "true"], capture_output=True).returncode == 0:
        return wrapper
    print("skipped: no mount namespaces here")
    return None


def test_tokens_rise_over_restarts_and_kills(server):
    """Ended in whatever way, the next server begins above all that was reserved."""
    place = Place(server)
    last = 0
    for end in (None, signal.SIGKILL, signal.SIGKILL, None, signal.SIGINT):
        before = place.reserved() if os.path.exists(place.path) else 0
        token = place.token(end=end)
        if not max(last, before) < token <= place.reserved():
            raise AssertionError(f"{token} after {last}, reserved {before} before and {place.reserved()} since")
        last = token


def test_tokens_rise_though_the_clock_is_set_back(server):
    """And without --state they do not, which shows that the clock was set back."""
    place = Place(server)
    shim = clock_shim(place.folder)
    last = place.token()
    for years, end in ((1, None), (10, signal.SIGKILL), (30, None), (0, None)):
        token = place.token(environment={**shim, "TEST_CLOCK_BACK_S": str(years * YEAR_S)}, end=end)
        if token <= last:
            raise AssertionError(f"{token} after {last}, {years} years back")
        last = token
    stateless = Server(server.program, environment={**shim, "TEST_CLOCK_BACK_S": str(YEAR_S)})
    try:
        if grants(stateless, 1)[0] >= last:
            raise AssertionError("the clock was not set back")
    finally:
        same(stateless.end(), [])


def test_blocks_are_reserved_before_they_are_used(server):
    """A small block is followed by others; no token is ever above what the file says."""
    place = Place(server)
    busy = place.start("--state-block", "1000")
    first = place.reserved()
    try:
        for _ in range(30):
            tokens = grants(busy, 100)
            if tokens[-1] > place.reserved():
                raise AssertionError(f"{tokens[-1]} was given out, {place.reserved()} are reserved")
        if place.reserved() < first + 2000:
            raise AssertionError("no further block was reserved")
        if place.reserved() - tokens[-1] < 400:
            raise AssertionError("the next block was not reserved in good time")
        os.kill(busy.pid, signal.SIGKILL)
        busy.process.wait()
    finally:
        busy.end()
    if place.token("--state-block", "1000") <= tokens[-1]:
        raise AssertionError("tokens were given out again after kill -9")


def test_two_servers_at_one_file(server):
    """The second does not start, by whatever name; once the first is gone it does."""
    place = Place(server)
    first = place.start()
    link = os.path.join(place.folder, "link")
    os.symlink(place.path, link)
    before = place.reserved()
    try:
        place.refused("in use by another server", "name another")
        place.refused("in use by another server", path=link)
        place.refused("in use by another server", path=os.path.join(place.folder, ".", "tokens"))
        same(place.reserved(), before, "the reservation")
        grants(first, 3)
    finally:
        same(first.end(), [])
    place.token(path=link)
    if not os.path.islink(link):
        raise AssertionError("the link was replaced by a file")


def test_damaged_and_foreign_files(server):
    """What is no whole state file refuses the start, and is left as it is."""
    place = Place(server)
    place.token()
    with open(place.path, "rb") as file:
        good = file.read()
    header = len("monitor_server state 1:")
    damaged = [b"", good + b"x", good + good, good[:header], good[:-1], good[:-2]]
    damaged += [good[:n] + bytes([good[n] ^ 1]) + good[n + 1:] for n in range(header, len(good), 7)]
    for bytes_ in damaged:
        with open(place.path, "wb") as file:
            file.write(bytes_)
        place.refused("is damaged", "restore it")
        with open(place.path, "rb") as file:
            same(file.read(), bytes_, "the file afterwards")
    for foreign in (b"precious\n", good.replace(b"state 1", b"state 2"), b"\0" * 4096, b"m"):
        with open(place.path, "wb") as file:
            file.write(foreign)
        place.refused("is not a state file", "name another")
        with open(place.path, "rb") as file:
            same(file.read(), foreign, "the file afterwards")
    os.unlink(place.path)
    for make in (os.mkdir, os.mkfifo):
        make(place.path)
        place.refused("no regular file")
        (os.rmdir if make is os.mkdir else os.unlink)(place.path)


def test_tokens_used_up(server):
    """The very last tokens are not wrapped around."""
    place = Place(server)
    place.token()
    end = 2 ** 64 - 1 - 5

    def line(reserved):
        total = 14695981039346656037
        for shift in range(0, 64, 8):
            total = (total ^ (reserved >> shift & 0xff)) * 1099511628211 % 2 ** 64
        return f"monitor_server state 1: tokens are reserved up to {reserved:020}, sum {total:016x}\n"

    same(line(place.reserved()), open(place.path).read(), "the file, as this test writes it")
    with open(place.path, "w") as file:
        file.write(line(end))
    place.refused("used up")


def test_places_that_cannot_be_written(server):
    place = Place(server)
    place.refused("No such file or directory", path=os.path.join(place.folder, "none", "tokens"))
    place.refused("state", path="/proc/self/tokens")
    readonly = mounted(f"mount -t tmpfs -o ro tmpfs {place.folder}")
    if readonly is not None:
        place.refused("Read-only file system", "may write", wrapper=readonly)
    # Read-only only after a first server was there.
    place.token()
    again = mounted(f"mount --bind {place.folder} {place.folder}\nmount -o remount,bind,ro {place.folder}")
    if again is not None:
        place.refused("Read-only file system", wrapper=again)
    full = mounted(f"mount -t tmpfs -o size=4k tmpfs {place.folder}\nhead -c 4096 /dev/zero >{place.folder}/ballast")
    if full is not None:
        place.refused("No space left on device", "make room", wrapper=full)


def test_a_disk_that_is_full_ends_the_service_before_a_token_is_given_out(server):
    """It goes on while reserved tokens are left, and comes back when there is room."""
    place = Place(server)
    small = mounted(f"mount -t tmpfs -o size=64k tmpfs {place.folder}")
    if small is None:
        return
    running = place.start("--state-block", "1000", wrapper=small)
    inside = f"/proc/{running.pid}/root{place.folder}"
    fill = os.path.join(inside, "ballast")
    try:
        tokens = grants(running, 10)
        reserved = int(open(inside + "/tokens").read().split("up to ")[1].split(",")[0])

        def make_full():
            with open(fill, "wb", buffering=0) as file:
                try:
                    while file.write(b"x" * 1024):
                        pass
                except OSError:
                    pass

        make_full()
        tokens += grants(running, 700)
        os.unlink(fill)
        tokens += grants(running, 700)
        if tokens[-1] <= reserved:
            raise AssertionError("it did not come back when there was room")
        make_full()
        reserved = int(open(inside + "/tokens").read().split("up to ")[1].split(",")[0])
        taker = Polling(running.tcp, "taker2", patience=2)
        try:
            for _ in range(1200):
                tokens.append(int(taker.enter("m")["token"]))
                taker.exit("m")
        except Silent:
            pass
        taker.close()
        same(tokens[-1], reserved, "the last token given out, and what is reserved")
        until(lambda: running.process.poll() is not None, "the server ends")
        same(running.process.returncode, 1, "its exit status")
    finally:
        said = running.end()
    if len(said) != 2 or "cannot reserve tokens" not in said[1] or "No space left" not in said[1]:
        raise AssertionError(f"how it ended: {said!r}")


def test_a_leftover_temporary_file_is_no_obstacle(server):
    """kill -9 between writing and renaming leaves one; it counts for nothing."""
    place = Place(server)
    last = place.token()
    with open(place.path + ".new", "w") as file:
        file.write("half a li")
    if place.token() <= last:
        raise AssertionError("tokens do not rise")
    if os.path.exists(place.path + ".new"):
        raise AssertionError("the temporary file is still there")


if __name__ == "__main__":
    run(tests_of(sys.modules[__name__]))
