"""Tests of monitor_check: good records and histories, and such in which one thing was changed.

    /usr/bin/python3 test_check.py SERVER_PROGRAM [TEST]...

Each test records a short run of its own. For each rule one thing in it is changed, and monitor_check must
name that rule.
"""
import ctypes
import json
import os
import signal
import subprocess
import sys

import zmq

sys.dont_write_bytecode = True

from clients import Polling, Push, Refused
from serving import has, options, run, same, status, tests_of, until

BUILD = os.path.dirname(os.path.abspath(sys.argv[1])) if len(sys.argv) > 1 else "."
CHECK = os.path.join(BUILD, "monitor_check")
USE_LIBRARY = "--use-library"
recorded = options("--record", "FOLDER/record")


def check(*words):
    done = subprocess.run([CHECK, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60)
    return done.returncode, done.stdout.decode() + done.stderr.decode()


def must_say(path, code, *texts, histories=()):
    words = [path]
    for history in histories:
        words += ["--history", history]
    got, said = check(*words)
    if got != code or any(text not in said for text in texts):
        raise AssertionError(f"status {code} and {texts!r} wanted, status {got} and this came:\n{said[:3000]}")


def await_line(server, length):
    until(lambda: status(server, "m")["line_length"] == length, f"{length} in line")


def play(server):
    """A run with something of everything; gives who said what on which line, by name."""
    a, b, c = (Push(server.ipc if name == "b" else server.tcp, name) for name in "abc")
    p = Polling(server.tcp, "p")
    a.enter("m")
    b.start("ENTER", "m")
    await_line(server, 1)
    c.start("ENTER", "m")
    await_line(server, 2)
    a.signal("m", "full")                       # finds nobody
    a.exit("m")                                 # b has it
    has(b.next(), status="granted")
    b.start("WAIT", "m", "full")                # c has it
    has(c.next(), status="granted")
    same(c.signal("m", "full"), 1)
    c.exit("m", signal=["full"])                # b is back; the rider finds nobody
    has(b.next(), status="granted_after_wait")
    b.exit("m")
    b.repeat()
    has(b.next(), status="success")
    try:
        a.exit("m")
    except Refused as refused:
        same(refused.code, "not_owner")
    a.enter("m")
    has(p.ask("ENTER", "n"), status="granted")
    has(p.ask("CHECK_GRANT", "n"), status="granted")
    has(p.ask("CHECK_GRANT", "n"), status="granted")
    p.exit("n")
    c.start("ENTER", "m")
    await_line(server, 1)
    has(c.tell("BEAT", ref="1"), status="alive")
    a.close()                                   # c has it when a's probation is over
    has(c.next(), status="granted", abandoned=True)
    c.exit("m")
    has(c.tell("BYE"), status="bye")
    has(c.tell("BEAT", ref="2"), code="session_lost")
    for client in (b, c, p):
        client.close()


class Record:
    """The lines of a record, one of which is to be changed."""

    def __init__(self, server):
        play(server)
        self.folder = server.folder
        with open(os.path.join(server.folder, "record")) as file:
            self.lines = file.read().splitlines()

    def find(self, *texts, event=None, nth=0):
        """Which line holds all these texts, its JSON's escapes left aside; and that line as an object."""
        found = []
        for index, line in enumerate(self.lines):
            plain = line.replace("\\", "").replace(": ", ":").replace(", ", ",")
            if all(text in plain for text in texts) and (event is None or f'"event":"{event}"' in line):
                found.append(index)
        if len(found) <= nth:
            raise AssertionError(f"no line with {texts!r}")
        return found[nth], json.loads(self.lines[found[nth]])

    def put(self, index, line):
        self.lines[index] = json.dumps(line, separators=(",", ":"))

    def write(self):
        path = os.path.join(self.folder, "changed")
        with open(path, "w") as file:
            file.write("".join(line + "\n" for line in self.lines))
        return path

    def breaks(self, *texts):
        must_say(self.write(), 1, "event ", "expected ", *texts)


def change(*texts, event=None, nth=0):
    """A test in which `changing` is given a line with these texts, and its record."""
    def mark(changing):
        @recorded
        def test(server):
            record = Record(server)
            index, line = record.find(*texts, event=event, nth=nth)
            rule = changing(record, index, line)
            if record.lines[index] == json.dumps(line, separators=(",", ":")):
                raise AssertionError("nothing was changed")
            record.put(index, line)
            record.breaks(*rule)
        test.__name__ = changing.__name__
        return test
    return mark


def said(line, to_status):
    return next(entry["reply"] for entry in line["said"] if entry["reply"]["status"] == to_status)


@recorded
def test_a_good_record_is_told_in_words(server):
    record = Record(server)
    must_say(record.write(), 0, "all rules hold", "clients       4; of them", "1 said goodbye",
             "monitors      2 at most at a time; 1 abandonment\n", "grants        7; waits 1;",
             "signals       1 that awakened somebody: 1 used, 0 dropped", "2 found nobody", "open: the server")


@recorded
def test_a_record_that_ended_well(server):
    os.kill(server.pid, signal.SIGTERM)
    until(lambda: not server.alive(), "the server has stopped")
    must_say(os.path.join(server.folder, "record"), 0, "clean: the server stopped")


test_a_record_that_ended_well.ends_the_server = True


@recorded
def test_a_record_of_messages_refused_for_their_cost(server):
    """They are replayed as refused, though they could be obeyed."""
    def asked(client, *_, **fields):
        return client.ask("STATUS", **fields).get("code")
    with Polling(server.tcp, "p") as client:
        client.enter("m")
        padding = [0] * 20000
        until(lambda: asked(client, x=padding) == "limit", "a long message is refused")
        until(lambda: client.ask("EXIT", "m", x=padding)["status"] == "success", "it is obeyed later")
    path = os.path.join(server.folder, "record")
    with open(path) as file:
        has({"refused": '"over_budget":60' in file.read()}, refused=True)
    must_say(path, 0, "all rules hold")


@change('"action":"EXIT"', '"status":"granted"')
def test_a_dropped_grant(record, index, line):
    del line["said"][0]
    return ["client b is first in line of m", "(I5"]


@change('"action":"EXIT"', '"status":"granted"')
def test_a_grant_out_of_turn(record, index, line):
    line["said"][0]["to"] = record.find('"process_id":"c"')[1]["peer"]
    return ["client c was granted m though b stood before it in line (I5)"]


@change('"action":"ENTER"', event="MESSAGE", nth=1)
def test_two_owners(record, index, line):
    first = record.find('"action":"ENTER"', event="MESSAGE")[1]["said"][0]["reply"]
    line["said"].append({"to": line["peer"], "reply": dict(first, token=str(int(first["token"]) + 1))})
    return ["client b was granted m while a owns it (I2"]


@change('"action":"EXIT"', '"status":"granted"')
def test_a_token_given_twice(record, index, line):
    said(line, "granted")["token"] = record.find('"action":"ENTER"', event="MESSAGE")[1]["said"][0]["reply"]["token"]
    return ["(I4"]


@change('"action":"SIGNAL"', '"woken_processes":1')
def test_a_lost_signal(record, index, line):
    line["said"][0]["reply"]["woken_processes"] = 0
    return ["(I7"]


@change('"status":"granted_after_wait"')
def test_a_lost_wake_up(record, index, line):
    del line["said"][0]
    return ["client b was awakened from full", "(I7"]


@change('"action":"SIGNAL"', '"woken_processes":0')
def test_a_signal_that_is_stored(record, index, line):
    line["said"][0]["reply"]["woken_processes"] = 1
    return ["(I8"]


@change('"action":"SIGNAL"', '"woken_processes":1')
def test_a_wait_that_ends_before_the_signaller_leaves(record, index, line):
    back = record.find('"status":"granted_after_wait"')[1]["said"][0]
    line["said"].insert(0, back)
    return ["(I2"]


@change('"code":"not_owner"')
def test_an_exit_of_a_stranger(record, index, line):
    reply = line["said"][0]["reply"]
    line["said"][0]["reply"] = {"status": "success", "monitor_name": "m", "seq": reply["seq"], "next_granted_to": None}
    return ["client a was answered success where error not_owner is due (I10"]


@change('"status":"granted_after_wait"')
def test_a_wait_with_its_old_token(record, index, line):
    said(line, "granted_after_wait")["token"] = record.find('"action":"EXIT"', '"status":"granted"')[1]["said"][0]["reply"]["token"]
    return ["(I11"]


@change('"action":"EXIT"', '"seq":3', nth=3)
def test_a_repetition_that_is_not_answered(record, index, line):
    line["said"] = []
    return ["(I12"]


@change('"action":"CHECK_GRANT"', nth=1)
def test_a_check_that_says_something_else(record, index, line):
    line["said"][0]["reply"]["token"] = str(int(line["said"][0]["reply"]["token"]) + 1)
    return ["(I13"]


@change('"code":"session_lost"')
def test_a_ghost(record, index, line):
    line["said"][0]["reply"] = {"status": "alive", "ref": "2"}
    return ["(I14"]


@change('"abandoned":true')
def test_an_end_too_late(record, index, line):
    line["said"] = []
    return ["client a has ended, and client c, first in line of m, was not granted it (I15"]


@recorded
def test_an_end_too_early(server):
    record = Record(server)
    peer = record.find('"process_id":"a"')[1]["peer"]
    index, line = record.find('"event":"CLOSED"', f'"peer":{peer},')
    line["said"] = record.find('"abandoned":true')[1]["said"]
    record.put(index, line)
    record.breaks("its owner a has not ended yet", "(I15")


@change('"abandoned":true')
def test_a_death_that_is_not_told(record, index, line):
    del line["said"][0]["reply"]["abandoned"]
    return ["(I16"]


@change('"action":"HELLO"')
def test_a_core_that_says_something_else(record, index, line):
    line["said"][0]["reply"]["limits"]["sessions"] += 1
    return ["(I19"]


@change('"action":"EXIT"', '"status":"granted"')
def test_a_grant_of_another_monitor(record, index, line):
    said(line, "granted")["monitor_name"] = "n"
    return ["(I20"]


@change('"action":"ENTER"', event="MESSAGE")
def test_a_limit_that_was_not_reached(record, index, line):
    line["said"][0]["reply"] = {"status": "error", "code": "limit", "message": "A limit of the server is reached",
                                "monitor_name": "m", "seq": 1}
    return ["(I22"]


@recorded
def test_an_event_left_out(server):
    record = Record(server)
    del record.lines[record.find('"action":"EXIT"', '"status":"granted"')[0]]
    must_say(record.write(), 1, "event ")


@recorded
def test_time_that_goes_back(server):
    record = Record(server)
    index, line = record.find('"action":"CHECK_GRANT"')
    line["now_ns"] = 1
    record.put(index, line)
    must_say(record.write(), 1, "time goes back")


@recorded
def test_what_cannot_be_read(server):
    record = Record(server)
    path = os.path.join(server.folder, "changed")
    whole = list(record.lines)
    for first in ("", "{}", '{"record":"monitor_server","version":2}', "not JSON"):
        record.lines = [first] + whole[1:]
        must_say(record.write(), 2, "cannot read")
    for bad in ("nonsense", "{}", '{"event":"NEVER","now_ns":1,"said":[]}', whole[2].replace('"said"', '"sad"'),
                whole[2][:-1], whole[2].replace('"frames":1', '"frames":-1'), whole[1]):
        record.lines = whole[:3] + [bad] + whole[3:]
        must_say(record.write(), 2, ":4: ")
    record.lines = [whole[0]] + whole[2:]
    must_say(record.write(), 2, "does not begin with START")
    record.lines = whole[:1]
    must_say(record.write(), 2, "no event")
    record.lines = whole + ['{"end":"clean","now_ns":1,"events":1}'] + whole[-1:]
    must_say(record.write(), 2, "more behind the end")
    with open(path, "wb") as file:
        file.write(os.urandom(5000))
    must_say(path, 2, "cannot read")
    must_say("/nowhere/record", 2, "No such file")
    must_say(server.folder, 2, "Is a directory")


@recorded
def test_any_bytes_survive(server):
    """A hostile peer's bytes stand in the record as they came."""
    peer = zmq.Context.instance().socket(zmq.DEALER)
    peer.connect(server.tcp)
    bodies = [b"", b"\0", bytes(range(256)), b'"\\\n\t{}', "żółw \u2028 \U0001f40d".encode(), b"\xff\xfe\xc0\x80",
              b'{"action":"STATUS"}\n', b"x" * 70000, b"\x1f" * 3000, b'{"action":"ENTER\\u0000"}']
    for frames in [[b"", body] for body in bodies] + [[b"lone"], [b"no", b"delimiter"], [b"", b"{}", b"more"]]:
        peer.send_multipart(frames)
        if not peer.poll(10000):
            raise AssertionError(f"no answer to {frames!r:.100}")
        peer.recv_multipart()
    peer.close()
    kept = []
    as_digits = []
    with open(os.path.join(server.folder, "record"), encoding="utf-8") as file:
        for line in map(json.loads, file):
            if "envelope" in line:
                kept.append(line["envelope"].encode())
            elif "envelope_hex" in line:
                kept.append(bytes.fromhex(line["envelope_hex"]))
                as_digits.append(kept[-1])
    same(kept, bodies + [b"{}"])
    same(as_digits, [b"\0", bytes(range(256)), b"\xff\xfe\xc0\x80"])
    must_say(os.path.join(server.folder, "record"), 0, "all rules hold")


@recorded
def test_a_record_is_not_overwritten(server):
    path = os.path.join(server.folder, "record")
    before = os.stat(path)
    same(before.st_mode & 0o777, 0o600)
    for target, sentence in ((path, "exists already"), ("/nowhere/record", "No such file")):
        done = subprocess.run([sys.argv[1], "--bind", "tcp://127.0.0.1:*", "--record", target], capture_output=True,
                              timeout=20)
        same((done.returncode, done.stdout, sentence in done.stderr.decode()), (1, b"", True), done.stderr)
    same(os.stat(path).st_size, before.st_size)


@recorded
def test_a_server_that_cannot_listen_leaves_no_record(server):
    path = os.path.join(server.folder, "second")
    done = subprocess.run([sys.argv[1], "--bind", server.tcp, "--record", path], capture_output=True, timeout=20)
    same((done.returncode, os.path.exists(path)), (1, False), done.stderr)


def test_usage(server):
    same(check("--help")[0], 0)
    same(check("--version")[0], 0)
    for words in ((), ("one", "two"), ("--nonsense",), ("--history",)):
        same(check(*words)[0], 2)


class Options(ctypes.Structure):
    """struct dmonitor_options, up to its last field of version 0.1.0."""
    _fields_ = [("process_id", ctypes.c_char_p), ("label", ctypes.c_char_p), ("connect_timeout_ms", ctypes.c_int64),
                ("lease_ms", ctypes.c_int64), ("poll_interval_ms", ctypes.c_int64), ("flags", ctypes.c_uint),
                ("history_path", ctypes.c_char_p)]


def use_library(path, endpoint, history):
    """Two clients use a monitor in turn."""
    library = ctypes.CDLL(path)
    sessions = []
    for name in (b"ann", b"bob"):
        session, monitor = ctypes.c_void_p(), ctypes.c_void_p()
        wanted = Options(process_id=name, history_path=history.encode())
        same(library.dmonitor_connect(endpoint.encode(), ctypes.byref(wanted), ctypes.byref(session)), 0)
        same(library.dmonitor_open(session, b"m", 0, ctypes.byref(monitor)), 0)
        sessions.append((session, monitor))
    for _, monitor in sessions:
        same(library.dmonitor_enter(monitor), 0)
        same(library.dmonitor_signal(monitor, b"full"), 0)
        same(library.dmonitor_broadcast(monitor, b"empty"), 0)
        library.dmonitor_wait_for(monitor, b"full", ctypes.c_int64(1))
        same(library.dmonitor_check(monitor), 0)
        same(library.dmonitor_exit(monitor), 0)
    for session, _ in sessions:
        same(library.dmonitor_disconnect(ctypes.byref(session)), 0)


class History:
    """A record, and the history of two clients that used the library in turn."""

    def __init__(self, server):
        self.record = os.path.join(server.folder, "record")
        self.path = os.path.join(server.folder, "history")
        library = os.path.join(BUILD, "libdmonitor.so")
        # A library with a sanitizer in it needs that loaded first.
        needs = subprocess.run(["ldd", library], capture_output=True, check=True).stdout.decode().split()
        first = [word for word in needs if word.startswith("/") and "libasan" in word]
        subprocess.run([sys.executable, __file__, USE_LIBRARY, library, server.tcp, self.path], check=True, timeout=60,
                       env={**os.environ, "LD_PRELOAD": ":".join(first), "ASAN_OPTIONS": "detect_leaks=0"})
        with open(self.path) as file:
            self.lines = [json.loads(line) for line in file]

    def find(self, client, op, phase):
        return next(line for line in self.lines
                    if (line["client"], line["op"], line["phase"]) == (client, op, phase))

    def drop(self, client, op):
        self.lines = [line for line in self.lines if (line["client"], line["op"]) != (client, op)]

    def says(self, code, *texts):
        path = self.path + "-changed"
        with open(path, "w") as file:
            file.write("".join(json.dumps(line) + "\n" for line in self.lines))
        must_say(self.record, code, *texts, histories=[path])


@recorded
def test_a_good_history(server):
    history = History(server)
    has(history.find("ann", "wait", "ok"), result="ETIMEDOUT", levels=1)
    history.says(0, "histories     2 clients, 16 calls; 4 ownerships told alike", "all rules hold")


@recorded
def test_one_history_in_two_files(server):
    history = History(server)
    paths = []
    for name in ("ann", "bob"):
        paths.append(os.path.join(server.folder, name))
        with open(paths[-1], "w") as file:
            file.writelines(json.dumps(line) + "\n" for line in history.lines if line["client"] == name)
    must_say(history.record, 0, "2 clients, 16 calls; 4 owner", histories=paths)


def history_test(*texts, code=1):
    """A test in which `changing` changes a good history."""
    def mark(changing):
        @recorded
        def test(server):
            history = History(server)
            changing(history)
            history.says(code, *texts)
        test.__name__ = changing.__name__
        return test
    return mark


@history_test("and the record has no such grant (I2")
def test_a_grant_that_never_was(history):
    history.find("ann", "wait", "ok")["token"] = "77"
    for op in ("check", "exit"):
        history.drop("ann", op)
    history.drop("ann", "disconnect")


@history_test("client bob was told that it owns m by token", "and the record has no such grant (I2")
def test_a_grant_of_anothers_token(history):
    history.find("bob", "enter", "ok")["token"] = history.find("ann", "enter", "ok")["token"]


@history_test("(I12: what a call does happens while it lasts)")
def test_a_grant_before_its_call(history):
    line = history.find("bob", "enter", "invoke")
    line["t_ns"] = history.find("bob", "enter", "ok")["t_ns"]


@history_test("outside of the call that says so (I12")
def test_an_exit_before_its_call(history):
    line = history.find("ann", "exit", "invoke")
    line["t_ns"] = history.find("ann", "exit", "ok")["t_ns"]


@history_test("(I10: who is told success had it)")
def test_an_exit_that_was_a_wait(history):
    line = history.find("ann", "exit", "invoke")
    line["token"] = history.find("ann", "wait", "invoke")["token"]
    for phase in ("invoke", "ok"):
        history.lines.remove(history.find("ann", "wait", phase))
    history.drop("ann", "check")


@history_test("and none of its calls asked for it (I14")
def test_a_grant_that_nobody_asked_for(history):
    history.drop("ann", "enter")


@history_test("(I8: no wake-up is invented)")
def test_a_signal_that_was_not_given(history):
    history.drop("bob", "signal")


@history_test("(I7: no wake-up is lost)")
def test_a_signal_that_was_not_executed(history):
    invoke, returned = (history.find("ann", "signal", phase) for phase in ("invoke", "ok"))
    at = history.lines.index(returned) + 1
    history.lines[at:at] = [invoke, returned]


@history_test("for other conditions")
def test_a_signal_for_another_condition(history):
    history.find("bob", "signal", "invoke")["condition"] = "other"


@history_test("says twice that it came to own")
def test_an_enter_done_twice(history):
    invoke, returned = (history.find("ann", "enter", phase) for phase in ("invoke", "ok"))
    at = history.lines.index(returned) + 1
    history.lines[at:at] = [invoke, returned]


@history_test("all rules hold", "1 took effect", code=0)
def test_an_unknown_outcome_may_be_either(history):
    history.find("bob", "exit", "ok")["phase"] = "info"


@history_test("all rules hold", code=0)
def test_a_call_that_never_returned(history):
    end = history.lines.index(history.find("bob", "enter", "ok"))
    history.lines = [line for at, line in enumerate(history.lines) if line["client"] == "ann" or at < end]


@history_test("a call returns that had not begun", code=2)
def test_a_return_without_a_call(history):
    history.lines.remove(history.find("ann", "exit", "invoke"))


@history_test("histories     0 clients, 0 calls", code=0)
def test_a_history_with_another_server(history):
    for line in history.lines:
        if "server" in line:
            line["server"] = "another/boot/1/2/3"


@recorded
def test_a_history_that_is_none(server):
    history = History(server)
    path = os.path.join(server.folder, "none")
    for text in ("nonsense\n", "{}\n", '{"t_ns":1,"client":"x","phase":"ok","op":"dance"}\n'):
        with open(path, "w") as file:
            file.write(text)
        must_say(history.record, 2, path + ":1: ", histories=[path])
    must_say(history.record, 2, "No such file", histories=["/nowhere/history"])


if __name__ == "__main__":
    if sys.argv[1:2] == [USE_LIBRARY]:
        sys.exit(use_library(*sys.argv[2:]))
    run(tests_of(sys.modules[__name__]))
