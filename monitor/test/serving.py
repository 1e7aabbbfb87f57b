"""What both test programs share: a server per test, and a runner that gives every test its own process.

The runner itself never makes a ZeroMQ context, so that a test may fork workers before it makes one."""
import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback

import zmq

from clients import Polling, Refused, encode

TEST_SECONDS = 60


class Server:
    """monitor_server on a port of the system's choice and on an ipc socket.

    `wrapper` is a command that becomes the server; `environment` is added to one's own."""

    def __init__(self, program, *options, wrapper=(), environment=None):
        self.program = program
        self.folder = tempfile.mkdtemp(prefix="monitor-test-")
        self.path = os.path.join(self.folder, "socket")
        self.errors = open(os.path.join(self.folder, "stderr"), "w+b")
        command = [*wrapper, program, "--bind", "tcp://127.0.0.1:*", "--bind", "ipc://" + self.path,
                   *(option.replace("FOLDER", self.folder) for option in options)]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=self.errors,
                                        env={**os.environ, **(environment or {})})
        self.pid = self.process.pid
        try:
            self.tcp = self.listening()
            self.ipc = self.listening()
        except BaseException:
            self.end()
            raise

    def listening(self):
        line = self.process.stdout.readline().decode()
        if not line.startswith("listening "):
            raise RuntimeError(f"the server said {line!r}")
        return line.split()[1]

    @property
    def port(self):
        return int(self.tcp.rsplit(":", 1)[1])

    def alive(self):
        """Also true to a child of the runner, which is not the server's parent."""
        try:
            with open(f"/proc/{self.pid}/stat") as stat:
                return stat.read().rsplit(")", 1)[1].split()[0] != "Z"
        except FileNotFoundError:
            return False

    def end(self):
        """Stop the server as a service manager would; gives what was wrong with how it went."""
        wrong = []
        try:
            if self.process.poll() is None:
                self.process.send_signal(signal.SIGTERM)
            try:
                code = self.process.wait(5)
                if code != 0:
                    wrong.append(f"the server ended with {code}")
            except subprocess.TimeoutExpired:
                wrong.append("the server did not obey SIGTERM")
        finally:
            if self.process.poll() is None:
                self.process.kill()
                self.process.wait()
            self.process.stdout.close()
            self.errors.seek(0)
            said = self.errors.read().decode(errors="replace")
            self.errors.close()
            if said:
                wrong.append("the server's stderr: " + said.strip()[:1000])
            shutil.rmtree(self.folder, ignore_errors=True)
        return wrong


def status(server, monitor=None, **fields):
    """STATUS, asked on a connection of its own."""
    message = {"action": "STATUS", **fields}
    if monitor is not None:
        message["monitor_name"] = monitor
    with Polling(server.tcp, "observer") as observer:
        reply = observer.exchange(encode(message))
    if reply["status"] != "ok":
        raise Refused(reply)
    return reply


def until(true, what, seconds=15):
    """Wait for a condition; gives its value."""
    deadline = time.monotonic() + seconds
    while True:
        value = true()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"never came true: {what}")
        time.sleep(0.002)


def same(got, expected, about=""):
    if got != expected:
        raise AssertionError(f"{about}\n      got      {got!r}\n      expected {expected!r}")


def has(reply, about="", **fields):
    """The reply carries these fields with these values."""
    for name, value in fields.items():
        if name not in reply or reply[name] != value:
            raise AssertionError(f"{about}\n      got      {reply!r}\n      expected {name} = {value!r}")


def options(*words):
    """The server of this test is to be started with these options; FOLDER in them is its own."""
    def mark(test):
        test.server_options = words
        return test
    return mark


def in_child(test, server):
    """Run a test in a process group of its own; gives what was wrong with it."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        code = 1
        try:
            os.close(reading)
            os.setpgid(0, 0)
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            test(server)
            code = 0
        except BaseException:
            os.write(writing, traceback.format_exc()[-4000:].encode())
        finally:
            sys.stdout.flush()
            os._exit(code)
    os.close(writing)
    try:
        os.setpgid(child, child)
    except OSError:
        pass
    wrong = []
    done = 0
    try:
        deadline = time.monotonic() + TEST_SECONDS
        while done == 0 and time.monotonic() < deadline:
            done, how = os.waitpid(child, os.WNOHANG)
            if done == 0:
                time.sleep(0.005)
        if done == 0:
            wrong.append(f"not done after {TEST_SECONDS} s")
        elif how != 0:
            wrong.append(f"the test ended with {how}")
    finally:
        # The group is gone when the test left no process behind.
        try:
            os.killpg(child, signal.SIGKILL)
            if done != 0 and not wrong:
                wrong.append("the test left processes behind")
        except ProcessLookupError:
            pass
        if done == 0:
            os.waitpid(child, 0)
        os.set_blocking(reading, False)
        # One that was ended has said nothing.
        said = wrong and select.select([reading], [], [], 0)[0]
        text = os.read(reading, 8192) if said else b""
        os.close(reading)
    return wrong + ([text.decode(errors="replace").strip()] if text else [])


def run_one(program, test):
    server = None
    wrong = []
    try:
        server = Server(program, *getattr(test, "server_options", ()))
        wrong = in_child(test, server)
        if not server.alive() and not getattr(test, "ends_the_server", False):
            wrong.append("the server died")
    except Exception:
        wrong.append(traceback.format_exc())
    finally:
        if server is not None:
            wrong += server.end()
    return wrong


def run(tests):
    """Run the tests against the program named by argv[1] (only those named by further words)."""
    if len(sys.argv) < 2:
        sys.exit(f"usage: {sys.argv[0]} SERVER_PROGRAM [TEST]...")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    program = os.path.abspath(sys.argv[1])
    wanted = sys.argv[2:]
    passed = failed = 0
    for test in tests:
        name = test.__name__.removeprefix("test_")
        if wanted and name not in wanted:
            continue
        began = time.monotonic()
        wrong = run_one(program, test)
        print(f"{'FAIL' if wrong else 'ok  '} {name} ({time.monotonic() - began:.2f} s)", flush=True)
        for line in wrong:
            print("    " + line.replace("\n", "\n    "), flush=True)
        failed += bool(wrong)
        passed += not wrong
    print(f"{passed} passed, {failed} failed")
    sys.exit(1 if failed else 0)


def tests_of(module):
    return [value for name, value in vars(module).items() if name.startswith("test_") and callable(value)]


def workers(jobs, seconds=50):
    """Run functions in processes of their own, none of which has a ZeroMQ context yet."""
    if zmq.Context._instance is not None:
        raise AssertionError("there is a ZeroMQ context already")
    children = []
    for job in jobs:
        child = os.fork()
        if child == 0:
            code = 1
            try:
                job()
                code = 0
            except BaseException:
                traceback.print_exc(file=sys.stdout)
            finally:
                sys.stdout.flush()
                os._exit(code)
        children.append(child)
    bad = []
    deadline = time.monotonic() + seconds
    try:
        while children and time.monotonic() < deadline:
            for child in list(children):
                done, how = os.waitpid(child, os.WNOHANG)
                if done:
                    children.remove(child)
                    if how:
                        bad.append(how)
            time.sleep(0.002)
        if children:
            raise AssertionError(f"{len(children)} workers are not done after {seconds} s")
    finally:
        for child in children:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
    if bad:
        raise AssertionError(f"workers ended with {bad}")
