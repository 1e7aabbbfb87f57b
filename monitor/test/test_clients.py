"""Tests of monitor_server as clients see it: what PROTOCOL.md promises, by polling and by push.

    /usr/bin/python3 test_clients.py SERVER_PROGRAM [TEST]...
"""
import mmap
import os
import re
import socket
import struct
import sys
import time

sys.dont_write_bytecode = True

from clients import Polling, Push, Refused, Silent, encode
from serving import Server, has, options, run, same, status, tests_of, until, workers

TOKEN = re.compile(r"(0|[1-9][0-9]*)\Z")


def token_of(reply):
    token = reply.get("token")
    if not isinstance(token, str) or not TOKEN.match(token) or int(token) >= 2 ** 64:
        raise AssertionError(f"no token in {reply!r}")
    return int(token)


def plain(reply):
    """A reply without what differs from run to run."""
    if "token" in reply:
        token_of(reply)
    if "message" in reply and not (isinstance(reply["message"], str) and " " in reply["message"]):
        raise AssertionError(f"message is not a sentence: {reply!r}")
    return {name: value for name, value in reply.items() if name not in ("token", "message")}


def refused(code, call, *arguments, **fields):
    """The call is refused with this code; gives the answer."""
    try:
        reply = call(*arguments, **fields)
    except Refused as refusal:
        same(refusal.code, code, f"refused as {refusal.reply!r}")
        return refusal.reply
    raise AssertionError(f"not refused: {reply!r}")


def clients(server, kind, *names, **fields):
    return [kind(server.tcp, name, **fields) for name in names]


class Shared:
    """Memory that several processes have in common: one array of integers."""

    def __init__(self, length):
        self.memory = mmap.mmap(-1, 8 * length)

    def __getitem__(self, index):
        return struct.unpack_from("q", self.memory, 8 * index)[0]

    def __setitem__(self, index, value):
        struct.pack_into("q", self.memory, 8 * index, value)


# Mutual exclusion ------------------------------------------------------------------------------

def count_together(server, kinds, rounds):
    """Every worker adds to one counter, in a way that goes wrong when two do so at a time."""
    shared = Shared(3)
    endpoints = (server.tcp, server.ipc)

    def job(kind, number):
        def work():
            with kind(endpoints[number % 2], f"worker{number}") as client:
                last = 0
                for _ in range(rounds):
                    token = token_of(client.enter("counter"))
                    if token <= last:
                        raise AssertionError("the token did not rise")
                    last = token
                    if token <= shared[2]:
                        raise AssertionError("the token is not above that of the last owner")
                    shared[2] = token
                    if shared[0] != 0:
                        raise AssertionError(f"{shared[0]} is inside too")
                    shared[0] = number + 1
                    before = shared[1]
                    os.sched_yield()
                    shared[1] = before + 1
                    shared[0] = 0
                    client.exit("counter")
        return work

    workers([job(kind, number) for number, kind in enumerate(kinds)])
    same(shared[1], rounds * len(kinds), "the counter")
    same(status(server)["grants"], rounds * len(kinds), "the grants")


def test_counter_polling(server):
    count_together(server, [Polling] * 12, 40)


def test_counter_push(server):
    count_together(server, [Push] * 12, 200)


def test_counter_mixed(server):
    count_together(server, [Polling, Push] * 6, 40)


# Conditions: a bounded buffer -------------------------------------------------------------------

def pass_items(server, capacity, kinds, items, wake, **fields):
    """Producers and consumers, half of the clients each; `kinds` has one class per pair."""
    size, head, tail = 0, 1, 2
    shared = Shared(3 + capacity)
    total = items * len(kinds)
    taken = Shared(total)
    left = Shared(1)

    def give(client, condition):
        if wake == "exit":
            client.exit("buffer", signal=[condition])
        elif wake == "broadcast":
            client.broadcast("buffer", condition)
            client.exit("buffer")
        else:
            client.signal("buffer", condition)
            client.exit("buffer")

    def producer(kind, number):
        def work():
            with kind(server.tcp, f"producer{number}", **fields if kind is Polling else {}) as client:
                for item in range(items):
                    client.enter("buffer")
                    while shared[size] == capacity:
                        client.wait("buffer", "not_full")
                    shared[3 + shared[tail]] = number * items + item
                    shared[tail] = (shared[tail] + 1) % capacity
                    shared[size] += 1
                    if not 0 <= shared[size] <= capacity:
                        raise AssertionError(f"{shared[size]} items in the buffer")
                    give(client, "not_empty")
        return work

    def consumer(kind, number):
        def work():
            with kind(server.ipc, f"consumer{number}", **fields if kind is Polling else {}) as client:
                for _ in range(items):
                    client.enter("buffer")
                    while shared[size] == 0:
                        client.wait("buffer", "not_empty")
                    taken[left[0]] = shared[3 + shared[head]]
                    left[0] += 1
                    shared[head] = (shared[head] + 1) % capacity
                    shared[size] -= 1
                    if not 0 <= shared[size] <= capacity:
                        raise AssertionError(f"{shared[size]} items in the buffer")
                    give(client, "not_full")
        return work

    workers([producer(kind, n) for n, kind in enumerate(kinds)]
            + [consumer(kind, n) for n, kind in enumerate(kinds)])
    same(shared[size], 0, "items left")
    order = [taken[n] for n in range(total)]
    same(sorted(order), list(range(total)), "what the consumers took")
    for number in range(len(kinds)):
        own = [item for item in order if item // items == number]
        same(own, sorted(own), f"the order of producer {number}")
    until(lambda: status(server)["monitors"] == 0, "the monitor goes when nobody uses it")


def test_buffer_capacity_1_polling_100_ms(server):
    pass_items(server, 1, [Polling] * 2, 4, "signal", interval=0.1)


def test_buffer_capacity_10_polling_100_ms(server):
    pass_items(server, 10, [Polling] * 2, 6, "exit", interval=0.1)


def test_buffer_capacity_1_polling_10_ms(server):
    pass_items(server, 1, [Polling] * 3, 15, "broadcast", interval=0.01)


def test_buffer_capacity_10_polling_10_ms(server):
    pass_items(server, 10, [Polling] * 3, 25, "signal", interval=0.01)


def test_buffer_capacity_1_polling_1_ms(server):
    pass_items(server, 1, [Polling] * 4, 50, "exit", interval=0.001)


def test_buffer_capacity_10_polling_1_ms(server):
    pass_items(server, 10, [Polling] * 4, 60, "signal", interval=0.001)


def test_buffer_capacity_1_push(server):
    pass_items(server, 1, [Push] * 4, 150, "signal")


def test_buffer_capacity_10_push(server):
    pass_items(server, 10, [Push] * 4, 150, "exit")


def test_buffer_capacity_1_mixed(server):
    pass_items(server, 1, [Polling, Push] * 2, 40, "broadcast")


# Section 3: the table of states -----------------------------------------------------------------

STATES = ("out", "in line", "inside", "waiting", "awakened", "inside after WAIT")


def put(subject, other, monitor, state):
    """Bring the subject into a state; both clients are polling."""
    if state == "in line":
        other.enter(monitor)
        has(subject.ask("ENTER", monitor), status="queued")
    elif state != "out":
        subject.enter(monitor)
        if state != "inside":
            has(subject.ask("WAIT", monitor, "c"), status="waiting_on_condition")
        if state in ("awakened", "inside after WAIT"):
            other.enter(monitor)
            same(other.signal(monitor, "c"), 1)
        if state == "inside after WAIT":
            same(other.exit(monitor)["next_granted_to"], subject.process_id)


def stands(server, monitor, process_id):
    """Where STATUS says that a client stands."""
    told = status(server, monitor)
    inside = told["owner"] is not None and told["owner"]["id"] == process_id
    line = [each["id"] for each in told["line"]]
    waiters = [(each["id"], each["condition_name"]) for each in told["waiters"] if each["id"] == process_id]
    return inside, process_id in line, waiters


def place(state):
    return {"out": (False, False, []), "in line": (False, True, []), "inside": (True, False, []),
            "waiting": (False, False, [("subject", "c")]), "awakened": (False, True, []),
            "inside after WAIT": (True, False, [])}[state]


def error(code):
    return {"status": "error", "code": code}


def check_row(server, action, answers, condition=None, changes=(), **fields):
    """One row of the table: in each state one request on a monitor of its own, and its whole answer."""
    subject, other = clients(server, Polling, "subject", "other")
    for state, answer in zip(STATES, answers, strict=True):
        monitor = f"{action}.{state.replace(' ', '_')}"
        about = f"{action}, {state}"
        put(subject, other, monitor, state)
        same(stands(server, monitor, "subject"), place(state), f"{about}: before")
        expected = {"monitor_name": monitor, **answer}
        if condition is not None:
            expected["condition_name"] = condition
        same(plain(subject.ask(action, monitor, condition, **fields)), expected, about)
        after = stands(server, monitor, "subject")
        if state not in changes:
            same(after, place(state), f"{about}: after")
        elif after == place(state):
            raise AssertionError(f"{about} changed nothing")
    subject.close()
    other.close()


def test_state_enter(server):
    check_row(server, "ENTER", [{"status": "granted"}, {"status": "queued"}, error("already_inside"),
                                error("waiting"), error("waiting"), error("already_inside")], changes=("out",))


def test_state_enter_try(server):
    """timeout_ms 0 out of line is a try; in the other states ENTER is answered as without it."""
    subject, other = clients(server, Polling, "subject", "other")
    other.enter("busy")
    same(plain(subject.ask("ENTER", "busy", timeout_ms=0)), {"status": "timeout", "monitor_name": "busy"})
    same(stands(server, "busy", "subject"), place("out"))
    same(plain(subject.ask("ENTER", "free", timeout_ms=0)), {"status": "granted", "monitor_name": "free"})


def test_state_enter_keeps_its_place(server):
    owner, first, second = clients(server, Polling, "owner", "first", "second")
    owner.enter("m")
    for client in (first, second, first, first):
        same(plain(client.ask("ENTER", "m")), {"status": "queued", "monitor_name": "m"})
    same([each["id"] for each in status(server, "m")["line"]], ["first", "second"])
    same(owner.exit("m")["next_granted_to"], "first")
    same(first.exit("m")["next_granted_to"], "second")
    same(second.exit("m")["next_granted_to"], None)


def test_state_exit(server):
    done = {"status": "success", "next_granted_to": None}
    no = error("not_owner")
    check_row(server, "EXIT", [no, no, done, no, no, done], changes=("inside", "inside after WAIT"))


def test_state_wait(server):
    done = {"status": "waiting_on_condition"}
    no = error("not_owner")
    check_row(server, "WAIT", [no, no, done, no, no, done], "d", changes=("inside", "inside after WAIT"))


def test_state_signal(server):
    done = {"status": "success", "woken_processes": 0}
    no = error("not_owner")
    check_row(server, "SIGNAL", [no, no, done, no, no, done], "c")


def test_state_broadcast(server):
    done = {"status": "success", "woken_processes": 0}
    no = error("not_owner")
    check_row(server, "BROADCAST", [no, no, done, no, no, done], "c")


def test_state_check_grant(server):
    line, inside = {"status": "queued"}, {"status": "granted"}
    check_row(server, "CHECK_GRANT", [error("not_waiting"), line, inside, line, line, inside])


def test_state_check_awakened(server):
    line, inside = {"status": "queued_after_signal"}, {"status": "granted_after_wait"}
    waiting = {"status": "still_waiting_on_condition"}
    check_row(server, "CHECK_AWAKENED", [error("not_waiting"), line, inside, waiting, line, inside], "c")


def test_state_check_awakened_other_condition(server):
    """Section 5: `not_waiting` if the last WAIT was on another condition."""
    line, inside = {"status": "queued_after_signal"}, {"status": "granted_after_wait"}
    no = error("not_waiting")
    check_row(server, "CHECK_AWAKENED", [no, line, inside, no, no, no], "other")


def test_state_cancel(server):
    done, late = {"status": "cancelled"}, {"status": "too_late"}
    check_row(server, "CANCEL", [error("not_waiting"), done, late, done, late, late],
              changes=("in line", "waiting"))


def test_state_check_awakened_after_a_new_enter(server):
    """An ENTER forgets the WAIT before it: any condition is answered."""
    subject, other = clients(server, Polling, "subject", "other")
    put(subject, other, "m", "inside after WAIT")
    subject.exit("m")
    same(plain(subject.ask("CHECK_AWAKENED", "m", "c")), {**error("not_waiting"), "monitor_name": "m", "condition_name": "c"})
    subject.enter("m")
    for condition in ("c", "d"):
        same(plain(subject.ask("CHECK_AWAKENED", "m", condition)),
             {"status": "granted_after_wait", "monitor_name": "m", "condition_name": condition})


def test_checks_are_repeatable_and_keep_the_token(server):
    subject, other = clients(server, Polling, "subject", "other")
    first = token_of(subject.enter("m"))
    for _ in range(3):
        same(token_of(subject.do("CHECK_GRANT", "m")), first)
    subject.do("WAIT", "m", "c")
    between = token_of(other.enter("m"))
    other.signal("m", "c")
    other.exit("m")
    second = token_of(subject.do("CHECK_AWAKENED", "m", "c"))
    if not first < between < second:
        raise AssertionError("tokens do not rise")
    for _ in range(3):
        same(token_of(subject.do("CHECK_AWAKENED", "m", "c")), second)
        same(token_of(subject.do("CHECK_GRANT", "m")), second)


def test_state_push(server):
    """The table for push clients: refused at once where a polling client is, else `busy` or later."""
    other = Polling(server.tcp, "other")
    requests = (("ENTER", None), ("EXIT", None), ("WAIT", "d"), ("SIGNAL", "c"), ("BROADCAST", "c"))
    for state in STATES:
        for action, condition in requests:
            about = f"{action}, {state}"
            monitor = f"{action}.{state.replace(' ', '_')}"
            subject = Push(server.tcp, "subject")
            if state == "in line":
                other.enter(monitor)
                subject.start("ENTER", monitor)
                until(lambda: stands(server, monitor, "subject") == place(state), about)
            elif state != "out":
                subject.enter(monitor)
                if state != "inside":
                    subject.start("WAIT", monitor, "c")
                    until(lambda: stands(server, monitor, "subject")[2], about)
                if state in ("awakened", "inside after WAIT"):
                    other.enter(monitor)
                    other.signal(monitor, "c")
                if state == "inside after WAIT":
                    other.exit(monitor)
                    same(plain(subject.next()), {"status": "granted_after_wait", "seq": 2,
                                                 "monitor_name": monitor, "condition_name": "c"}, about)
            same(stands(server, monitor, "subject"), place(state), about)
            seq = subject.start(action, monitor, condition)
            expected = {"seq": seq, "monitor_name": monitor}
            if condition:
                expected["condition_name"] = condition
            if state in ("in line", "waiting", "awakened"):
                expected.update(error("busy"))
            elif action == "ENTER":
                expected.update({"status": "granted"} if state == "out" else error("already_inside"))
            elif state == "out":
                expected.update(error("not_owner"))
            elif action == "EXIT":
                expected.update({"status": "success", "next_granted_to": None})
            elif action == "WAIT":
                until(lambda: stands(server, monitor, "subject")[2] == [("subject", "d")], about)
                expected = None
            else:
                expected.update({"status": "success", "woken_processes": 0})
            if expected is not None:
                same(plain(subject.next()), expected, about)
            same(subject.tell("BYE"), {"status": "bye"}, about)
            subject.close()
            if other.ask("CHECK_GRANT", monitor)["status"] == "granted":
                other.exit(monitor)
    other.close()


# The line, signals ------------------------------------------------------------------------------

def test_a_waiter_keeps_its_place_in_the_line(server):
    """Who waits keeps its place: awakened, it is before those who came after its WAIT."""
    waiter, later, owner = clients(server, Polling, "waiter", "later", "owner")
    waiter.enter("m")
    waiter.do("WAIT", "m", "c")
    owner.enter("m")
    has(later.ask("ENTER", "m"), status="queued")
    same(owner.signal("m", "c"), 1)
    same([each["id"] for each in status(server, "m")["line"]], ["waiter", "later"])
    same(owner.exit("m")["next_granted_to"], "waiter")


def test_wait_stands_at_the_end(server):
    """A WAIT takes its place at the end, behind who stands in line already."""
    waiter, before, owner = clients(server, Polling, "waiter", "before", "owner")
    waiter.enter("m")
    has(before.ask("ENTER", "m"), status="queued")
    waiter.do("WAIT", "m", "c")
    has(owner.ask("ENTER", "m"), status="queued")
    before.exit("m", broadcast=["c"])
    same(plain(owner.ask("CHECK_GRANT", "m")), {"status": "queued", "monitor_name": "m"})
    same(waiter.exit("m")["next_granted_to"], "owner")


def test_signals_wake_in_order_and_are_not_stored(server):
    owner, one, two, three = clients(server, Polling, "owner", "one", "two", "three")
    owner.enter("m")
    same(owner.signal("m", "c"), 0)
    same(owner.broadcast("m", "c"), 0)
    owner.exit("m")
    for client in (one, two, three):
        client.enter("m")
        client.do("WAIT", "m", "c")
    owner.enter("m")
    same(owner.signal("m", "d"), 0)
    same(owner.signal("m", "c"), 1)
    same([each["id"] for each in status(server, "m")["line"]], ["one"])
    same([each["id"] for each in status(server, "m")["waiters"]], ["two", "three"])
    same(owner.broadcast("m", "c"), 2)
    same([each["id"] for each in status(server, "m")["line"]], ["one", "two", "three"])
    same(owner.exit("m")["next_granted_to"], "one")
    same(one.exit("m")["next_granted_to"], "two")
    same(two.exit("m")["next_granted_to"], "three")


def test_broadcast_wakes_all_and_no_late_comer(server):
    owner, = clients(server, Push, "owner")
    waiters = clients(server, Push, *[f"waiter{n}" for n in range(20)])
    for client in waiters:
        client.enter("m")
        client.start("WAIT", "m", "c")
    until(lambda: status(server, "m")["waiters_length"] == 20, "all wait")
    owner.enter("m")
    same(owner.broadcast("m", "c"), 20)
    owner.exit("m")
    for client in waiters:
        has(client.next(), status="granted_after_wait", condition_name="c")
        client.start("WAIT", "m", "c")
    until(lambda: status(server, "m")["waiters_length"] == 20, "all wait again")
    for client in waiters:
        same(client.listen(0), None)


def exit_and_wait_with_signals(server, kind):
    names = ["a1", "a2", "a3", "b1", "b2"]
    sleepers = dict(zip(names, clients(server, Polling, *names)))
    owner, = clients(server, kind, "owner")

    def sleep(*who):
        for name in who:
            sleepers[name].enter("m")
            sleepers[name].do("WAIT", "m", name[0])

    def line():
        return [each["id"] for each in status(server, "m")["line"]]

    def leave(*who):
        for name in who:
            until(lambda: sleepers[name].ask("CHECK_AWAKENED", "m", name[0])["status"] == "granted_after_wait", name)
            sleepers[name].exit("m")

    sleep(*names)
    owner.enter("m")
    reply = owner.exit("m", signal=["a", "a", "b"])
    has(reply, status="success", woken_processes=3, next_granted_to="a1")
    same(line(), ["a2", "b1"])
    leave("a1", "a2", "b1")
    owner.enter("m")
    has(owner.exit("m", signal=["a", "a", "x"], broadcast=["b", "y", "b"]), woken_processes=2, next_granted_to="a3")
    leave("a3", "b2")
    sleep(*names)
    owner.enter("m")
    if kind is Polling:
        reply = owner.ask("WAIT", "m", "own", signal=["a"], broadcast=["b"])
        same(reply, {"status": "waiting_on_condition", "monitor_name": "m", "condition_name": "own", "woken_processes": 3})
    else:
        owner.start("WAIT", "m", "own", signal=["a"], broadcast=["b"])
    until(lambda: stands(server, "m", "a1")[0], "the first is inside")
    same(line(), ["b1", "b2"])
    same([each["id"] for each in status(server, "m")["waiters"]], ["a2", "a3", "owner"])
    leave("a1", "b1", "b2")
    for client in list(sleepers.values()) + [owner]:
        client.close()


def test_exit_and_wait_carry_signals_polling(server):
    exit_and_wait_with_signals(server, Polling)


def test_exit_and_wait_carry_signals_push(server):
    exit_and_wait_with_signals(server, Push)


def test_wait_that_signals_its_own_condition_does_not_wake_itself(server):
    """Signals named in the arrays are given first: before the caller waits."""
    client, = clients(server, Polling, "client")
    client.enter("m")
    has(client.ask("WAIT", "m", "c", signal=["c"], broadcast=["c"]), woken_processes=0)
    has(client.ask("CHECK_AWAKENED", "m", "c"), status="still_waiting_on_condition")


def test_a_refused_exit_or_wait_does_nothing(server):
    sleeper, owner = clients(server, Polling, "sleeper", "owner")
    push, = clients(server, Push, "push")
    sleeper.enter("m")
    sleeper.do("WAIT", "m", "c")
    owner.enter("m")
    owner.exit("m")
    refused("not_owner", owner.do, "EXIT", "m", signal=["c"])
    refused("not_owner", push.do, "EXIT", "m", signal=["c"], broadcast=["c"])
    refused("not_owner", push.do, "WAIT", "m", "c", signal=["c"])
    owner.enter("m")
    refused("bad_name", owner.do, "EXIT", "m", signal=["c", "not a name"])
    refused("bad_field", owner.do, "EXIT", "m", signal=["c"], broadcast="c")
    refused("bad_field", owner.do, "WAIT", "m", "d", signal=["c"], timeout_ms=-1)
    same(stands(server, "m", "owner"), (True, False, []))
    same(stands(server, "m", "sleeper"), (False, False, [("sleeper", "c")]))
    owner.exit("m")
    push.enter("m")
    refused("bad_name", push.do, "EXIT", "m", signal=["c", ""])
    same(stands(server, "m", "push"), (True, False, []))
    has(push.ask("EXIT", "m", signal=["c"]), woken_processes=1, next_granted_to="sleeper")


# Time-outs and CANCEL ----------------------------------------------------------------------------

def test_timeout_of_enter(server):
    owner, poller = clients(server, Polling, "owner", "poller")
    push, = clients(server, Push, "push")
    owner.enter("m")
    began = time.monotonic()
    reply = poller.enter("m", timeout_ms=60)
    spent = time.monotonic() - began
    same(plain(reply), {"status": "timeout", "monitor_name": "m"})
    if spent < 0.055:
        raise AssertionError(f"the time-out of 60 ms came after {spent * 1000:.1f} ms")
    same(plain(poller.ask("CHECK_GRANT", "m")), {"status": "timeout", "monitor_name": "m"}, "told again")
    has(poller.ask("CHECK_AWAKENED", "m", "c"), code="not_waiting")
    has(poller.ask("CANCEL", "m"), code="not_waiting")
    has(poller.ask("EXIT", "m"), code="not_owner")
    same(push.enter("m", timeout_ms=60), {"status": "timeout", "seq": 1, "monitor_name": "m"})
    same(push.enter("m", timeout_ms=0), {"status": "timeout", "seq": 2, "monitor_name": "m"})
    has(poller.ask("ENTER", "m", timeout_ms=60000), status="queued")
    has(poller.ask("CHECK_GRANT", "m"), status="queued")
    same(owner.exit("m")["next_granted_to"], "poller")
    has(poller.ask("CHECK_GRANT", "m"), status="granted")
    poller.exit("m")
    has(poller.ask("CHECK_GRANT", "m"), code="not_waiting")


def test_timeout_of_enter_is_told_until_the_next_enter(server):
    owner, poller = clients(server, Polling, "owner", "poller")
    owner.enter("m")
    has(poller.ask("ENTER", "m", timeout_ms=0), status="timeout")
    for _ in range(2):
        has(poller.ask("CHECK_GRANT", "m"), status="timeout")
    owner.exit("m")
    has(poller.ask("CHECK_GRANT", "m"), status="timeout")
    poller.enter("m")
    poller.exit("m")
    has(poller.ask("CHECK_GRANT", "m"), code="not_waiting")


def test_timeout_of_wait(server):
    owner, poller = clients(server, Polling, "owner", "poller")
    push, = clients(server, Push, "push")
    poller.enter("m")
    began = time.monotonic()
    reply = poller.wait("m", "c", timeout_ms=60)
    spent = time.monotonic() - began
    same(plain(reply), {"status": "granted_after_wait", "monitor_name": "m", "condition_name": "c", "timed_out": True})
    if spent < 0.055:
        raise AssertionError(f"the time-out of 60 ms came after {spent * 1000:.1f} ms")
    has(poller.ask("WAIT", "m", "c", timeout_ms=0), status="waiting_on_condition")
    same(plain(poller.ask("CHECK_AWAKENED", "m", "c")),
         {"status": "granted_after_wait", "monitor_name": "m", "condition_name": "c", "timed_out": True})
    poller.do("WAIT", "m", "c", timeout_ms=20)
    owner.enter("m")
    reply = until(lambda: (r := poller.ask("CHECK_AWAKENED", "m", "c"))["status"] == "queued_after_signal" and r, "timed out")
    same(reply, {"status": "queued_after_signal", "monitor_name": "m", "condition_name": "c", "timed_out": True})
    same(owner.signal("m", "c"), 0)
    owner.exit("m")
    poller.exit("m")
    push.enter("m")
    for timeout in (0, 30):
        same(plain(push.wait("m", "c", timeout_ms=timeout)),
             {"status": "granted_after_wait", "seq": push.seq, "monitor_name": "m", "condition_name": "c", "timed_out": True})
    owner.ask("ENTER", "m")
    push.start("WAIT", "m", "c", timeout_ms=20)
    until(lambda: stands(server, "m", "push") == (False, True, []), "timed out, in line")
    same(push.listen(0), None, "not inside yet")
    owner.exit("m")
    has(push.next(), status="granted_after_wait", timed_out=True)


def test_timeout_consumes_no_signal(server):
    """Who was signalled in time but got the lock late was signalled."""
    owner, = clients(server, Polling, "owner")
    push, other = clients(server, Push, "push", "other")
    push.enter("m")
    push.start("WAIT", "m", "c", timeout_ms=300)
    until(lambda: stands(server, "m", "push")[2], "waits")
    other.enter("m")
    other.start("WAIT", "m", "c")
    until(lambda: stands(server, "m", "other")[2], "waits")
    owner.enter("m")
    began = time.monotonic()
    same(owner.signal("m", "c"), 1)
    until(lambda: time.monotonic() - began > 0.35, "the deadline is over")
    same(stands(server, "m", "other"), (False, False, [("other", "c")]))
    owner.exit("m")
    same(plain(push.next()), {"status": "granted_after_wait", "seq": 2, "monitor_name": "m", "condition_name": "c"})


def test_cancel_polling(server):
    owner, poller = clients(server, Polling, "owner", "poller")
    owner.enter("m")
    has(poller.ask("CANCEL", "m"), code="not_waiting")
    poller.ask("ENTER", "m")
    same(poller.ask("CANCEL", "m"), {"status": "cancelled", "monitor_name": "m"})
    same(status(server, "m")["line"], [])
    for _ in range(2):
        same(poller.ask("CHECK_GRANT", "m"), {"status": "cancelled", "monitor_name": "m"})
    has(poller.ask("CANCEL", "m"), code="not_waiting")
    same(owner.ask("CANCEL", "m"), {"status": "too_late", "monitor_name": "m"})
    owner.do("WAIT", "m", "c")
    poller.enter("m")
    same(owner.ask("CANCEL", "m"), {"status": "cancelled", "monitor_name": "m"})
    same(owner.ask("CHECK_AWAKENED", "m", "c"),
         {"status": "queued_after_signal", "monitor_name": "m", "condition_name": "c", "cancelled": True})
    same(owner.ask("CANCEL", "m"), {"status": "too_late", "monitor_name": "m"})
    same(poller.signal("m", "c"), 0)
    same(poller.exit("m")["next_granted_to"], "owner")
    same(plain(owner.ask("CHECK_AWAKENED", "m", "c")),
         {"status": "granted_after_wait", "monitor_name": "m", "condition_name": "c", "cancelled": True})


def test_cancel_of_what_was_granted_is_too_late(server):
    """Section 6: the last request, granted, stands; what has ended otherwise is not pending."""
    owner, push = clients(server, Push, "owner", "push")
    owner.enter("m")
    granted = push.start("ENTER", "granted")
    has(push.next(), status="granted")
    same(push.tell("CANCEL", cancel_seq=granted), {"status": "too_late", "cancel_seq": granted}, "granted")
    returned = push.start("WAIT", "granted", "c", timeout_ms=0)
    has(push.next(), status="granted_after_wait", timed_out=True)
    same(push.tell("CANCEL", cancel_seq=returned), {"status": "too_late", "cancel_seq": returned}, "back from WAIT")
    late = push.start("ENTER", "m", timeout_ms=0)
    has(push.next(), status="timeout")
    has(push.tell("CANCEL", cancel_seq=late), code="not_waiting", cancel_seq=late)
    cancelled = push.start("ENTER", "m")
    has(push.tell("CANCEL", cancel_seq=cancelled), status="cancelled")
    has(push.next(), status="cancelled")
    has(push.tell("CANCEL", cancel_seq=cancelled), code="not_waiting", cancel_seq=cancelled)


def test_cancel_push(server):
    owner, push = clients(server, Push, "owner", "push")
    same(plain(push.tell("CANCEL", cancel_seq=1, ref="r")), {**error("not_waiting"), "cancel_seq": 1, "ref": "r"})
    owner.enter("m")
    seq = push.start("ENTER", "m")
    same(plain(push.tell("CANCEL", cancel_seq=seq + 1)), {**error("not_waiting"), "cancel_seq": 2})
    same(push.tell("CANCEL", cancel_seq=seq, ref="x"), {"status": "cancelled", "cancel_seq": 1, "ref": "x"})
    same(push.next(), {"status": "cancelled", "seq": 1, "monitor_name": "m"})
    same(status(server, "m")["line"], [])
    owner.start("WAIT", "m", "c")
    push.enter("m")
    same(owner.tell("CANCEL", cancel_seq=2), {"status": "cancelled", "cancel_seq": 2})
    same(owner.listen(0), None, "the lock is not free yet")
    same(owner.tell("CANCEL", cancel_seq=2), {"status": "too_late", "cancel_seq": 2})
    has(push.exit("m"), next_granted_to="owner")
    same(plain(owner.next()), {"status": "granted_after_wait", "seq": 2, "monitor_name": "m", "condition_name": "c", "cancelled": True})
    owner.start("WAIT", "m", "c")
    until(lambda: stands(server, "m", "owner")[2], "waits")
    push.enter("m")
    same(push.signal("m", "c"), 1)
    same(owner.tell("CANCEL", cancel_seq=3), {"status": "too_late", "cancel_seq": 3})
    push.exit("m")
    same(plain(owner.next()), {"status": "granted_after_wait", "seq": 3, "monitor_name": "m", "condition_name": "c"})


# Section 6: the sequence -------------------------------------------------------------------------

def test_repeat_of_the_same_seq(server):
    owner, push = clients(server, Push, "owner", "push")
    granted = owner.enter("m")
    for _ in range(3):
        owner.repeat()
        same(owner.next(), granted)
    seq = push.start("ENTER", "m")
    push.repeat()
    push.repeat()
    until(lambda: status(server, "m")["line_length"] == 1, "in line")
    same(push.tell("BEAT", ref="b"), {"status": "alive", "ref": "b", "last_seq": 1, "pending": True})
    same([each["id"] for each in status(server, "m")["line"]], ["push"])
    left = owner.exit("m")
    same(plain(left), {"status": "success", "seq": 2, "monitor_name": "m", "next_granted_to": "push"})
    got = push.next()
    same(plain(got), {"status": "granted", "seq": seq, "monitor_name": "m"})
    same(push.tell("BEAT", ref="b"), {"status": "alive", "ref": "b", "last_seq": 1}, "one answer only, though repeated while pending")
    owner.repeat()
    same(owner.next(), left, "not done again")
    same(stands(server, "m", "push"), (True, False, []))
    push.repeat()
    same(push.next(), got)
    push.exit("m")
    refusal = plain(push.ask("SIGNAL", "m", "c"))
    push.repeat()
    same(plain(push.next()), refusal, "a refusal is repeated too")
    owner.enter("m")
    same(owner.signal("m", "c"), 0)
    push.start("ENTER", "m", timeout_ms=10)
    same(push.next(), {"status": "timeout", "seq": push.seq, "monitor_name": "m"})
    owner.exit("m")
    push.repeat()
    same(push.next(), {"status": "timeout", "seq": push.seq, "monitor_name": "m"}, "not done again though free")


def test_a_signal_repeated_is_given_once(server):
    owner, = clients(server, Push, "owner")
    one, two = clients(server, Polling, "one", "two")
    for client in (one, two):
        client.enter("m")
        client.do("WAIT", "m", "c")
    owner.enter("m")
    same(owner.signal("m", "c"), 1)
    for _ in range(3):
        owner.repeat()
        same(owner.next(), {"status": "success", "seq": 2, "monitor_name": "m", "condition_name": "c", "woken_processes": 1})
    same([each["id"] for each in status(server, "m")["waiters"]], ["two"])


def test_errors_of_the_sequence(server):
    owner, push = clients(server, Push, "owner", "push")
    owner.enter("m")

    def send(seq, action="ENTER", monitor="free", **fields):
        push.send({"action": action, "session": push.session, "seq": seq, "monitor_name": monitor, **fields})

    def answered(**expected):
        same(plain(push.next()), expected)

    send(2)
    answered(**error("seq_gap"), seq=2, monitor_name="free")
    send(2 ** 53 - 1)
    answered(**error("seq_gap"), seq=2 ** 53 - 1, monitor_name="free")
    send(1)
    answered(status="granted", seq=1, monitor_name="free")
    send(1, monitor="other")
    answered(**error("seq_reused"), seq=1, monitor_name="other")
    send(1, action="EXIT")
    answered(**error("seq_reused"), seq=1, monitor_name="free")
    send(1)
    answered(status="granted", seq=1, monitor_name="free")
    send(2, action="EXIT")
    answered(status="success", seq=2, monitor_name="free", next_granted_to=None)
    before = status(server)["ignored"]
    send(1)
    same(push.tell("BEAT", ref="b"), {"status": "alive", "ref": "b", "last_seq": 2}, "a lower seq is not answered")
    same(status(server)["ignored"], before + 1)
    send(3, monitor="m")
    until(lambda: status(server, "m")["line_length"] == 1, "in line")
    for seq in (4, 5, 100):
        send(seq)
        answered(**error("busy"), seq=seq, monitor_name="free")
    send(3, monitor="other")
    answered(**error("seq_reused"), seq=3, monitor_name="other")
    owner.exit("m")
    answered(status="granted", seq=3, monitor_name="m")
    send(4, action="EXIT", monitor="m")
    answered(status="success", seq=4, monitor_name="m", next_granted_to=None)


def test_busy_for_a_lower_seq_while_pending(server):
    """Two rows of the table fit here: 'a lower seq than the last' and 'any other seq while pending'."""
    owner, push = clients(server, Push, "owner", "push")
    owner.enter("m")
    push.enter("free")
    push.start("ENTER", "m")
    before = status(server)["ignored"]
    push.send({"action": "ENTER", "session": push.session, "seq": 1, "monitor_name": "free"})
    reply = push.tell("BEAT", ref="b")
    if reply["status"] == "alive":
        same(status(server)["ignored"], before + 1)
    else:
        same(plain(reply), {**error("busy"), "seq": 1, "monitor_name": "free"})


def test_what_uses_a_number_up(server):
    push, = clients(server, Push, "push")

    def send(seq, **fields):
        push.send({"action": "ENTER", "session": push.session, "seq": seq, **fields})
        return push.next()

    same(plain(send(1)), {**error("missing_field"), "seq": 1})
    same(plain(send(2, monitor_name="not a name")), {**error("bad_name"), "seq": 2})
    same(plain(send(3, monitor_name="m", timeout_ms="1")), {**error("bad_field"), "seq": 3, "monitor_name": "m"})
    body = {"action": "EXIT", "session": push.session, "seq": 4, "monitor_name": "m"}
    push.send(body)
    same(plain(push.next()), {**error("not_owner"), "seq": 4, "monitor_name": "m"})
    push.send(encode(body)[:-1].replace(b'"seq": 4', b'"seq": 5'))
    has(push.next(), code="bad_json")
    push.send(encode({"action": "ENTER", "session": push.session, "seq": 5, "monitor_name": "m"}) + b" " * 65536)
    has(push.next(), code="too_large")
    same(plain(send(5, monitor_name="m")), {"status": "granted", "seq": 5, "monitor_name": "m"})
    push.send({"action": "enter", "session": push.session, "seq": 6, "monitor_name": "m"})
    has(push.next(), code="unknown_action", seq=6, monitor_name="m")


def test_exit_without_reply(server):
    push, = clients(server, Push, "push")
    push.enter("m")
    push.start("EXIT", "m", reply=False)
    same(push.tell("BEAT", ref="b"), {"status": "alive", "ref": "b", "last_seq": 2}, "not answered")
    same(stands(server, "m", "push"), place("out"))
    bad = push.start("EXIT", "m", reply=False)
    same(plain(push.next()), {**error("not_owner"), "seq": bad, "monitor_name": "m"})
    reply = push.enter("m")
    same(plain(reply), {"status": "granted", "seq": bad + 1, "monitor_name": "m", "failed": [{"seq": bad, "code": "not_owner"}]})
    same(plain(push.exit("m", reply=True)), {"status": "success", "seq": bad + 2, "monitor_name": "m", "next_granted_to": None})


def test_beat_bye_and_lease(server):
    short = Push(server.tcp, "short", lease_ms=1)
    has(short.welcome, lease_ms=200)
    long, = clients(server, Push, "long", lease_ms=2 ** 53 - 1)
    has(long.welcome, lease_ms=3600000, resumed=False)
    short.enter("m")
    long.start("ENTER", "m")
    began = time.monotonic()
    while time.monotonic() - began < 0.7:
        same(short.listen(0.1), None, "it beats by itself")
    same(stands(server, "m", "short"), (True, False, []), "beats keep the session")
    silent = time.monotonic()
    reply = long.next()
    has(reply, status="granted", abandoned=True)
    if time.monotonic() - silent < 0.15:
        raise AssertionError("the lease ended too early")
    has(short.ask("EXIT", "m"), code="session_lost")
    has(short.tell("BEAT"), code="session_lost")
    has(short.tell("CANCEL", cancel_seq=1), code="session_lost")
    long.exit("m")
    again = Push(server.tcp, "short")
    again.enter("m")
    long.start("ENTER", "m")
    until(lambda: status(server, "m")["line_length"] == 1, "in line")
    same(again.tell("BYE", ref="r"), {"status": "bye", "ref": "r"})
    same(plain(long.next()), {"status": "granted", "seq": long.seq, "monitor_name": "m"}, "BYE does not abandon")
    has(again.tell("BYE"), code="session_lost")


def test_bye_awakens_the_waiters(server):
    owner, one, two = clients(server, Push, "owner", "one", "two")
    for client, condition in ((one, "c"), (two, "d")):
        client.enter("m")
        client.start("WAIT", "m", condition)
    until(lambda: status(server, "m")["waiters_length"] == 2, "both wait")
    owner.enter("m")
    owner.tell("BYE")
    same(plain(one.next()), {"status": "granted_after_wait", "seq": 2, "monitor_name": "m", "condition_name": "c"})
    one.exit("m")
    same(plain(two.next()), {"status": "granted_after_wait", "seq": 2, "monitor_name": "m", "condition_name": "d"})


def test_bye_of_a_waiting_client_is_not_answered_twice(server):
    owner, push = clients(server, Push, "owner", "push")
    owner.enter("m")
    push.start("ENTER", "m")
    same(push.tell("BYE"), {"status": "bye"})
    same(status(server, "m")["line"], [])
    owner.exit("m")
    has(push.tell("BEAT"), code="session_lost")


def test_welcome(server):
    push, = clients(server, Push, "push", label="a packer, żółty", lease_ms=2000)
    welcome = dict(push.welcome)
    session, server_id, limits = (welcome.pop(name) for name in ("session", "server", "limits"))
    same(welcome, {"status": "welcome", "protocol": 2, "lease_ms": 2000, "resumed": False})
    if len(server_id.split("/")) != 5 or server_id.split("/")[2] != str(server.pid):
        raise AssertionError(f"server is {server_id!r}")
    if not isinstance(session, str) or len(session) < 16:
        raise AssertionError(f"session is {session!r}")
    same(sorted(limits), sorted(["message_bytes", "name_bytes", "sessions", "monitors", "conditions", "variables", "variable_bytes"]))
    has(limits, message_bytes=65536, name_bytes=128, variables=0)
    push.enter("m")
    has(status(server, "m")["owner"], id="push", label="a packer, żółty")
    same(status(server)["server"], server_id)


def test_hello_refused(server):
    push = Push(server.tcp, "push", hello=False)
    for protocol in (1, 3, 2 ** 53 - 1):
        reply = refused("bad_protocol", push.hello, protocol=protocol, ref="r")
        same(plain(reply), {**error("bad_protocol"), "protocol": 2, "ref": "r"})
    push.send({"action": "HELLO", "process_id": "push"})
    same(plain(push.next()), error("missing_field"))
    push.send({"action": "HELLO", "protocol": 2})
    same(plain(push.next()), error("missing_field"))
    refused("session_lost", push.hello, session="nobody's")
    push.hello()
    other = Push(server.tcp, "other", hello=False)
    refused("session_lost", other.hello, session=push.session)
    has(push.tell("BEAT"), status="alive")


# Section 8: connections and identities ------------------------------------------------------------

def test_id_in_use(server):
    """Another living client has the id: told after resume_ms, and without harm to that client."""
    polling, = clients(server, Polling, "taken")
    push, = clients(server, Push, "taken_too")
    polling.enter("m")
    push.enter("n")
    for name in ("taken", "taken_too"):
        thief, = clients(server, Polling, name)
        began = time.monotonic()
        same(plain(thief.ask("ENTER", "o")), {**error("id_in_use"), "monitor_name": "o"})
        if not 0.04 < time.monotonic() - began < 5:
            raise AssertionError(f"told after {time.monotonic() - began:.3f} s")
        has(thief.ask("EXIT", "m"), code="id_in_use")
        refused("id_in_use", Push, server.tcp, name)
        thief.close()
    same(status(server, "o")["owner"], None)
    same(stands(server, "m", "taken"), (True, False, []))
    has(push.exit("n"), status="success")
    polling.exit("m")
    with Polling(server.tcp, "other") as free:
        has(free.ask("ENTER", "o"), status="granted")


@options("--resume-ms", "60000")
def test_one_message_waits_per_connection(server):
    """A connection has at most one message waiting for an id; a second gets id_in_use at once."""
    holder, = clients(server, Polling, "taken")
    holder.enter("m")
    thief = Push(server.tcp, "thief", hello=False)
    thief.send({"action": "ENTER", "monitor_name": "n", "process_id": "taken"})
    thief.send({"action": "ENTER", "monitor_name": "second", "process_id": "taken"})
    same(plain(thief.next()), {**error("id_in_use"), "monitor_name": "second"})
    holder.close()
    thief.close()


def death_frees(server, kind, end):
    """Who stands where when its connection closes: holder, in line, waiting, awakened."""
    def make(name):
        return kind(server.tcp, name, **({"interval": 0.001} if kind is Polling else {}))

    def start(client, action, condition=None):
        if kind is Polling:
            client.do(action, "m", condition)
        else:
            client.start(action, "m", condition)

    alive = Polling(server.tcp, "alive")
    last = Polling(server.tcp, "last")

    queued = make("queued")
    alive.enter("m")
    start(queued, "ENTER")
    last_place = lambda: [each["id"] for each in status(server, "m")["line"]]
    until(lambda: last_place() == ["queued"], "in line")
    has(last.ask("ENTER", "m"), status="queued")
    end(queued)
    until(lambda: last_place() == ["last"], "the dead client leaves the line")
    same(alive.exit("m")["next_granted_to"], "last")
    last.exit("m")

    waiting = make("waiting")
    waiting.enter("m")
    start(waiting, "WAIT", "c")
    until(lambda: stands(server, "m", "waiting")[2], "waits")
    alive.enter("m")
    alive.do("WAIT", "m", "c")
    end(waiting)
    until(lambda: not stands(server, "m", "waiting")[2], "the dead client leaves the condition")
    last.enter("m")
    same(last.signal("m", "c"), 1)
    same(last.exit("m")["next_granted_to"], "alive")
    alive.exit("m")

    awakened = make("awakened")
    awakened.enter("m")
    start(awakened, "WAIT", "c")
    until(lambda: stands(server, "m", "awakened")[2], "waits")
    alive.enter("m")
    alive.do("WAIT", "m", "c")
    last.enter("m")
    same(last.signal("m", "c"), 1)
    same([each["id"] for each in status(server, "m")["waiters"]], ["alive"])
    passed_on = status(server)["passed_on"]
    end(awakened)
    until(lambda: stands(server, "m", "alive") == (False, True, []), "its signal goes to the next waiter")
    same(status(server)["passed_on"], passed_on + 1)
    same(last.exit("m")["next_granted_to"], "alive")
    same(plain(alive.ask("CHECK_AWAKENED", "m", "c")), {"status": "granted_after_wait", "monitor_name": "m", "condition_name": "c"})
    alive.exit("m")

    for condition, client in (("c", alive), ("d", last)):
        client.enter("m")
        client.do("WAIT", "m", condition)
    holder = make("holder")
    holder.enter("m")
    abandonments = status(server)["abandonments"]
    end(holder)
    until(lambda: stands(server, "m", "alive")[0], "the owner's death awakens the waiters")
    same(status(server)["abandonments"], abandonments + 1)
    same(plain(alive.ask("CHECK_AWAKENED", "m", "c")),
         {"status": "granted_after_wait", "monitor_name": "m", "condition_name": "c", "abandoned": True})
    same(stands(server, "m", "last"), (False, True, []))
    same(alive.exit("m")["next_granted_to"], "last")
    same(plain(last.ask("CHECK_AWAKENED", "m", "d")), {"status": "granted_after_wait", "monitor_name": "m", "condition_name": "d"})
    last.exit("m")

    alone = make("alone")
    alone.enter("m")
    end(alone)
    until(lambda: stands(server, "m", "alone") == place("out"), "the owner is gone")
    same(status(server)["monitors"], 1, "the monitor stays while it owes an `abandoned`")
    reply = alive.enter("m")
    same(plain(reply), {"status": "granted", "monitor_name": "m", "abandoned": True})
    same(plain(alive.ask("CHECK_GRANT", "m")), {"status": "granted", "monitor_name": "m", "abandoned": True})
    alive.exit("m")
    same(plain(alive.enter("m")), {"status": "granted", "monitor_name": "m"})
    alive.exit("m")
    until(lambda: status(server)["monitors"] == 0, "nothing is left")


def test_a_closed_connection_frees_what_it_held_polling(server):
    death_frees(server, Polling, lambda client: client.close())


def test_a_closed_connection_frees_what_it_held_push(server):
    death_frees(server, Push, lambda client: client.close())


def test_a_killed_process_frees_what_it_held(server):
    """The same by SIGKILL, and over ipc."""
    def job(kind):
        def work():
            client = kind(server.ipc, f"killed{kind.__name__}")
            client.enter(kind.__name__)
            os.kill(os.getpid(), 9)
        return work
    for kind in (Polling, Push):
        try:
            workers([job(kind)])
        except AssertionError as ended:
            same(str(ended), "workers ended with [9]")
    heir, = clients(server, Push, "heir")
    for kind in (Polling, Push):
        has(heir.enter(kind.__name__), status="granted", abandoned=True)


def test_a_polling_client_reopens_its_socket(server):
    """A second client closes its socket after 'queued', opens another and goes on where it was."""
    owner, other = clients(server, Polling, "owner", "other")
    push, = clients(server, Push, "push")
    client, = clients(server, Polling, "client")
    owner.enter("m")
    has(client.ask("ENTER", "m"), status="queued")
    has(other.ask("ENTER", "m"), status="queued")
    client.reopen()
    same(plain(client.ask("CHECK_GRANT", "m")), {"status": "queued", "monitor_name": "m"})
    same([each["id"] for each in status(server, "m")["line"]], ["client", "other"])
    client.reopen()
    same(owner.exit("m")["next_granted_to"], "client")
    token = token_of(client.do("CHECK_GRANT", "m"))
    client.reopen()
    same(token_of(client.do("CHECK_GRANT", "m")), token)
    client.reopen()
    has(client.ask("WAIT", "m", "c"), status="waiting_on_condition")
    client.reopen()
    has(client.ask("CHECK_AWAKENED", "m", "c"), status="still_waiting_on_condition")
    other.signal("m", "c")
    client.reopen()
    has(client.ask("CHECK_AWAKENED", "m", "c"), status="queued_after_signal")
    client.reopen()
    other.exit("m")
    has(client.ask("CHECK_AWAKENED", "m", "c"), status="granted_after_wait")
    client.reopen()
    has(client.ask("EXIT", "m"), status="success")


def test_a_socket_per_request(server):
    """A polling client may open a socket for every request."""
    client, = clients(server, Polling, "client")
    for _ in range(50):
        for action, condition in (("ENTER", None), ("SIGNAL", "c"), ("EXIT", None)):
            client.reopen()
            client.do(action, "m", condition)


@options("--resume-ms", "2000")
def test_hello_resumes(server):
    owner, push = clients(server, Push, "owner", "push")
    owner.enter("m")
    push.start("ENTER", "m")
    until(lambda: status(server, "m")["line_length"] == 1, "in line")
    session = push.session
    reply = push.resume()
    has(reply, resumed=True, last_seq=1, session=session)
    same(status(server)["resumed"], 1)
    push.repeat()
    same(push.tell("BEAT", ref="b"), {"status": "alive", "ref": "b", "last_seq": 1, "pending": True})
    owner.exit("m")
    got = push.next()
    same(plain(got), {"status": "granted", "seq": 1, "monitor_name": "m"})
    has(push.resume(), resumed=True, last_seq=1)
    push.repeat()
    same(push.next(), got, "what was granted before is told again")
    same(stands(server, "m", "push"), (True, False, []))
    push.start("WAIT", "m", "c")
    until(lambda: stands(server, "m", "push")[2], "waits")
    push.resume()
    owner.enter("m")
    owner.signal("m", "c")
    push.reopen()
    owner.exit("m")
    push.hello(session=push.session)
    push.repeat()
    has(push.next(), status="granted_after_wait", seq=2)
    same(plain(push.exit("m")), {"status": "success", "seq": 3, "monitor_name": "m", "next_granted_to": None})
    same(status(server)["sessions"], 2)


def test_hello_takes_a_session_over(server):
    """From a living connection too: who knows the secret has the session; the old connection lost it."""
    first = Push(server.tcp, "push")
    first.enter("m")
    second = Push(server.tcp, "push", hello=False)
    has(second.hello(session=first.session), resumed=True, last_seq=1, session=first.session)
    second.seq = 1
    has(first.ask("EXIT", "m"), code="session_lost", seq=2)
    has(first.tell("BYE"), code="session_lost")
    same(stands(server, "m", "push"), (True, False, []))
    has(second.exit("m"), status="success", seq=2)
    has(second.hello(session=second.session), resumed=True, last_seq=2)


def test_a_session_not_resumed_in_time_is_lost(server):
    push, = clients(server, Push, "push")
    push.enter("m")
    push.close()
    until(lambda: status(server)["sessions"] == 0, "the session ends")
    push.open()
    refused("session_lost", push.hello, session=push.session)
    push.hello()
    push.seq = 0
    has(push.enter("m"), status="granted", abandoned=True)


def test_several_clients_on_one_connection(server):
    link = Push(server.tcp, "carrier", hello=False)
    sessions = []
    for name in ("one", "two"):
        link.process_id = name
        sessions.append(link.hello()["session"])
    link.session = None

    def send(**message):
        link.send(message)

    send(action="ENTER", session=sessions[0], seq=1, monitor_name="m")
    has(link.next(), status="granted")
    send(action="ENTER", session=sessions[1], seq=1, monitor_name="m")
    send(action="ENTER", process_id="three", monitor_name="m")
    same(link.next(), {"status": "queued", "monitor_name": "m"})
    same([each["id"] for each in status(server, "m")["line"]], ["two", "three"])
    send(action="EXIT", session=sessions[0], seq=2, monitor_name="m")
    replies = {reply["status"]: reply for reply in (link.next(), link.next())}
    has(replies["granted"], seq=1)
    has(replies["success"], seq=2, next_granted_to="two")
    link.close()
    until(lambda: status(server)["sessions"] == 0, "all end with the connection")


# Section 7 -----------------------------------------------------------------------------------------

def test_check(server):
    push, heir = clients(server, Push, "push", "heir")
    other, = clients(server, Polling, "other")

    def check(**fields):
        return plain(other.exchange(encode({"action": "CHECK", "monitor_name": "m", **fields})))

    same(check(token="1"), {**error("not_owner"), "monitor_name": "m"})
    token = push.enter("m")["token"]
    same(check(token=token, ref="r"), {"status": "owner", "monitor_name": "m", "ref": "r"})
    asked = {"monitor_name": "m", "token": token}
    same(push.tell("CHECK", **asked), {"status": "owner", "monitor_name": "m"})
    same(plain(heir.tell("CHECK", **asked)), {**error("not_owner"), "monitor_name": "m"})
    same(check(token=token, session=push.session), {**error("session_lost"), "monitor_name": "m"}, "by section 8")
    same(check(token="1"), {**error("stale_token"), "monitor_name": "m"})
    push.exit("m")
    same(check(token=token), {**error("not_owner"), "monitor_name": "m"})
    second = heir.enter("m")["token"]
    same(check(token=token), {**error("stale_token"), "monitor_name": "m"})
    same(check(token=second), {"status": "owner", "monitor_name": "m"})
    same(check(token=str(int(second) + 1)), {**error("stale_token"), "monitor_name": "m"})
    same(check(token=str(2 ** 64 - 1)), {**error("stale_token"), "monitor_name": "m"})


def test_status_counters(server):
    def counters():
        told = status(server)
        return {name: told[name] for name in ("grants", "sessions", "monitors", "ignored", "passed_on", "abandonments", "resumed", "received", "sent", "errors")}

    same(counters(), {"grants": 0, "sessions": 0, "monitors": 0, "ignored": 0, "passed_on": 0, "abandonments": 0, "resumed": 0, "received": {}, "sent": {}, "errors": {}})
    same(counters(), {"grants": 0, "sessions": 0, "monitors": 0, "ignored": 0, "passed_on": 0, "abandonments": 0, "resumed": 0, "received": {"STATUS": 1}, "sent": {"ok": 1}, "errors": {}})
    push, = clients(server, Push, "push")
    poller, = clients(server, Polling, "poller")
    push.enter("m")
    push.exit("m", reply=False)
    refused("not_owner", push.do, "EXIT", "m")
    poller.enter("m")
    poller.exchange(b"nonsense")
    poller.exchange(encode({"action": "what"}))
    poller.exchange(encode({"action": 5}))
    same(counters(), {"grants": 2, "sessions": 2, "monitors": 1, "ignored": 0, "passed_on": 0, "abandonments": 0, "resumed": 0,
                      "received": {"STATUS": 2, "HELLO": 1, "ENTER": 2, "EXIT": 2, "none": 3},
                      "sent": {"ok": 2, "welcome": 1, "granted": 2, "error": 4},
                      "errors": {"not_owner": 1, "bad_json": 1, "unknown_action": 1, "bad_field": 1}})


def test_status_of_a_monitor(server):
    owner, one, two, three = clients(server, Polling, "owner", "one", "two", "three")
    told = status(server, "m", ref="r")
    has(told, status="ok", monitor_name="m", ref="r", owner=None, line=[], waiters=[], line_length=0, waiters_length=0)
    one.enter("m")
    one.do("WAIT", "m", "c")
    two.enter("m")
    two.do("WAIT", "m", "d")
    owner.enter("m")
    three.ask("ENTER", "m")
    told = status(server, "m")
    has(told, line_length=1, waiters_length=2, sessions=4, monitors=1)
    same(sorted(told["owner"]), ["id", "label", "since_ms"])
    same([sorted(each) for each in told["line"]], [["id", "label", "since_ms"]])
    same([(each["id"], each["condition_name"]) for each in told["waiters"]], [("one", "c"), ("two", "d")])
    same(status(server, "nothing")["monitors"], 1, "asking makes no monitor")


def test_stop_server(server):
    with Polling(server.tcp, "client") as client:
        same(client.ask("STOP_SERVER"), {"status": "stopping"})
    until(lambda: not server.alive(), "the server ends")


test_stop_server.ends_the_server = True


def test_stop_server_is_answered(server):
    """`stopping` reaches who asked, each time: twenty servers by tcp, twenty by ipc; no process_id.

    Asked by REQ without ZMQ_IMMEDIATE, with which libzmq may drop what came just before a disconnect."""
    lost = []
    for number in range(40):
        own = Server(server.process.args[0])
        try:
            with Polling(own.ipc if number % 2 else own.tcp, "client", patience=2) as client:
                client.enter("m")
                same(client.exchange(encode({"action": "STOP_SERVER"})), {"status": "stopping"})
        except Silent:
            lost.append("ipc" if number % 2 else "tcp")
        finally:
            wrong = own.end()
        same(wrong, [], "how it ended")
    same(lost, [], "answers that were lost, of 20 each")


def test_a_connection_that_never_speaks_harms_nobody(server):
    """Its descriptor is soon another's, which must not be taken for gone."""
    for n in range(150):
        for _ in range(n % 3 + 1):
            socket.create_connection(("127.0.0.1", server.port)).close()
        push = Push(server.tcp, f"id{n}")
        push.enter("m")
        same(push.exit("m")["status"], "success")
        has(push.tell("CHECK", monitor_name="m", token="1", ref="r"), code="not_owner")
        push.socket.close(0)


if __name__ == "__main__":
    run(tests_of(sys.modules[__name__]))
