"""Tests of monitor_server against peers that are hostile or clumsy.

    /usr/bin/python3 test_hostile.py SERVER_PROGRAM [TEST]...      (SEED=n repeats a random run)

While each test attacks, honest clients hold a lock, stand in line and wait; nothing of that may change.
"""
import os
import random
import select
import socket
import struct
import sys
import time

import zmq

sys.dont_write_bytecode = True

from clients import Link, Polling, Push, Silent, decode, encode
from serving import has, options, run, same, status, tests_of, until

SEED = int(os.environ.get("SEED", random.SystemRandom().randrange(2 ** 32)))
CODES = {"bad_json", "too_large", "missing_field", "bad_field", "bad_name", "unknown_action", "limit",
         "id_in_use", "session_lost", "already_inside", "waiting", "not_owner", "not_waiting", "busy",
         "bad_protocol", "seq_reused", "seq_gap", "stale_token", "forbidden"}
STATUSES = {"granted", "queued", "timeout", "success", "waiting_on_condition", "granted_after_wait",
            "still_waiting_on_condition", "queued_after_signal", "cancelled", "too_late", "welcome", "alive",
            "bye", "owner", "ok", "stopping", "error"}


class Peer(Link):
    """A DEALER that sends whatever it is told, and checks that answers are as PROTOCOL.md says."""

    def __init__(self, endpoint):
        super().__init__(endpoint, zmq.DEALER)
        self.errors = {}

    def send(self, *frames):
        self.socket.send_multipart(list(frames))

    def answer(self, seconds=10):
        frames = self.receive(seconds)
        if frames is None:
            raise Silent("no answer")
        reply = decode(frames)
        if reply["status"] not in STATUSES:
            raise AssertionError(f"no such status: {reply!r}")
        if reply["status"] == "error":
            well_formed(reply)
            self.errors[reply["code"]] = self.errors.get(reply["code"], 0) + 1
        return reply

    def ask(self, *frames):
        self.send(*frames)
        try:
            return self.answer()
        except Silent:
            raise AssertionError(f"not answered: {[frame[:200] for frame in frames]!r}") from None

    def say(self, message):
        return self.ask(b"", message if isinstance(message, bytes) else encode(message))

    def refused(self, message, *codes):
        reply = self.say(message)
        if reply["status"] != "error" or reply["code"] not in codes:
            raise AssertionError(f"{message if len(message) < 500 else message[:500]!r}\n      got      {reply!r}\n      expected {codes}")
        return reply


def well_formed(reply):
    """An error has one of the codes and a sentence in which nothing can hurt a terminal or a log."""
    if reply.get("code") not in CODES:
        raise AssertionError(f"no such code: {reply!r}")
    message = reply.get("message")
    if not isinstance(message, str) or len(message.split()) < 2:
        raise AssertionError(f"message is not a sentence: {reply!r}")
    if len(message) > 400 or not message.isprintable():
        raise AssertionError(f"message is not fit to print: {reply!r}")


class Honest:
    """Three honest clients by polling and three by push, in every state, who must not be disturbed."""

    def __init__(self, server):
        self.server = server
        self.polling = [Polling(server.tcp, name) for name in ("holder", "queued", "sleeper")]
        self.push = [Push(server.ipc, "push_" + name, lease_ms=3600000) for name in ("holder", "queued", "sleeper")]
        self.visitor = Polling(server.ipc, "visitor")
        holder, queued, sleeper = self.polling
        sleeper.enter("held")
        sleeper.do("WAIT", "held", "c")
        self.tokens = [holder.enter("held")["token"]]
        has(queued.ask("ENTER", "held"), status="queued")
        holder, queued, sleeper = self.push
        sleeper.enter("push_held")
        sleeper.start("WAIT", "push_held", "c")
        until(lambda: status(server, "push_held")["waiters"], "waits")
        self.tokens.append(holder.enter("push_held")["token"])
        queued.start("ENTER", "push_held")
        until(lambda: status(server, "push_held")["line"], "in line")
        self.visitor.enter("visited")
        self.visitor.exit("visited")
        self.before = self.seen()
        self.errors = status(server)["errors"]

    def seen(self):
        told = []
        for monitor in ("held", "push_held"):
            now = status(self.server, monitor)
            told.append({"owner": now["owner"]["id"] if now["owner"] else None,
                         "line": [each["id"] for each in now["line"]],
                         "waiters": [(each["id"], each["condition_name"]) for each in now["waiters"]]})
        return told

    def unharmed(self, peers=(), about="", uncounted=False):
        """After a batch: nothing changed, an honest visitor is served, and the errors were counted."""
        if not self.server.alive():
            raise AssertionError(f"the server died {about}")
        same(self.seen(), self.before, f"what the honest clients have {about}")
        for monitor, token in zip(("held", "push_held"), self.tokens):
            has(self.visitor.exchange(encode({"action": "CHECK", "monitor_name": monitor, "token": token})), status="owner")
        for _ in range(3):
            self.visitor.enter("visited")
            same(self.visitor.signal("visited", "c"), 0)
            same(self.visitor.exit("visited")["next_granted_to"], None)
        for peer in peers:
            for code, count in peer.errors.items():
                self.errors[code] = self.errors.get(code, 0) + count
            peer.errors = {}
        counted = status(self.server)["errors"]
        if uncounted:
            # Bytes that happen to be ZMTP were answered, but nobody read the answers.
            if not set(counted) <= CODES or any(counted.get(code, 0) < n for code, n in self.errors.items()):
                raise AssertionError(f"the counted errors {about}: {counted!r}")
            self.errors = counted
        same(counted, self.errors, f"the counted errors {about}")

    def finish(self):
        """What the honest clients stand for still comes."""
        for kind in (self.polling, self.push):
            holder, queued, sleeper = kind
            monitor = "held" if kind is self.polling else "push_held"
            same(holder.exit(monitor, signal=["c"])["next_granted_to"], sleeper.process_id)
            if kind is self.polling:
                has(sleeper.ask("CHECK_AWAKENED", monitor, "c"), status="granted_after_wait")
                same(sleeper.exit(monitor)["next_granted_to"], queued.process_id)
                has(queued.ask("CHECK_GRANT", monitor), status="granted")
            else:
                has(sleeper.next(), status="granted_after_wait")
                same(sleeper.exit(monitor)["next_granted_to"], queued.process_id)
                has(queued.next(), status="granted")
            queued.exit(monitor)


def attacked(test):
    """The test is given honest clients and a peer; at its end all must be as before.

    A test that is marked `uncounted` causes errors that nobody counts."""
    def whole(server):
        honest = Honest(server)
        peer = Peer(server.tcp)
        test(server, honest, peer)
        honest.unharmed([peer], "at the end", uncounted=getattr(test, "uncounted", False))
        honest.finish()
    whole.__name__ = test.__name__
    whole.server_options = getattr(test, "server_options", ())
    return whole


# Raw bytes ---------------------------------------------------------------------------------------

def raw(server, data=b""):
    """A TCP connection on which the bytes were sent.

    Behind a greeting it waits for the server's: libzmq 4.3.4 closes a connection, with any program,
    if the handshake comes with the greeting."""
    connection = socket.create_connection(("127.0.0.1", server.port), 10)
    connection.settimeout(10)
    try:
        if data.startswith(b"\xff" + bytes(8) + b"\x7f") and len(data) > 64:
            connection.sendall(data[:64])
            left = 64
            while left > 0 and (got := connection.recv(left)):
                left -= len(got)
            data = data[64:]
        connection.sendall(data)
    except OSError:
        pass
    return connection


def greeting(mechanism=b"NULL", version=b"\x03\x00"):
    return b"\xff" + bytes(8) + b"\x7f" + version + mechanism.ljust(20, b"\0") + b"\0" + bytes(31)


def ready(kind=b"DEALER", identity=None):
    def item(name, value):
        return bytes([len(name)]) + name + struct.pack(">I", len(value)) + value
    body = b"\x05READY" + item(b"Socket-Type", kind)
    if identity is not None:
        body += item(b"Identity", identity)
    return bytes([4, len(body)]) + body if len(body) < 256 else b"\x06" + struct.pack(">Q", len(body)) + body


def frame(body, more=False):
    if len(body) < 256:
        return bytes([int(more), len(body)]) + body
    return bytes([2 + int(more)]) + struct.pack(">Q", len(body)) + body


REQUEST = b'{"action":"ENTER","monitor_name":"held","process_id":"raw"}'
HELLO_TLS = bytes.fromhex("16030100c5010000c10303") + bytes(range(186))


def read_frames(connection, count):
    """Frames from behind the server's READY."""
    data = b""

    def need(length):
        nonlocal data
        while len(data) < length:
            more = connection.recv(65536)
            if not more:
                raise AssertionError("the server closed the connection")
            data += more
        taken, data = data[:length], data[length:]
        return taken

    frames = []
    while len(frames) < count + 1:
        flags = need(1)[0]
        length = struct.unpack(">Q", need(8))[0] if flags & 2 else need(1)[0]
        frames.append(need(length))
    return frames[1:]


def uncounted(test):
    test.uncounted = True
    return test


@attacked
@uncounted
def test_raw_bytes(server, honest, peer):
    chance = random.Random(SEED)
    batches = {
        "HTTP": [b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", b"POST /x HTTP/1.0\r\nContent-Length: 9\r\n\r\n" + REQUEST],
        "TLS": [HELLO_TLS],
        "text": [b"\n" * 5000, REQUEST, REQUEST + b"\n", b"\0" * 5000, b"\xff" * 5000],
        "random": [chance.randbytes(chance.randrange(1, 5000)) for _ in range(60)],
        "random behind a signature": [b"\xff" + bytes(8) + b"\x7f" + chance.randbytes(chance.randrange(1, 2000)) for _ in range(40)],
        "random behind a greeting": [greeting() + chance.randbytes(chance.randrange(1, 2000)) for _ in range(40)],
        "random behind a handshake": [greeting() + ready() + chance.randbytes(chance.randrange(1, 30)) + b"\xff" * 9 for _ in range(40)],
        "old greetings": [b"\x01\x00", b"\x00\x00", b"\xff" + bytes(8) + b"\x7f\x00\x05", b"\xff" + bytes(8) + b"\x7f\x01\x05\x00\x00",
                          greeting(version=b"\x02\x00"), greeting(version=b"\x63\x00") + ready()],
        "wrong mechanisms": [greeting(b"PLAIN"), greeting(b"CURVE"), greeting(b"GSSAPI"), greeting(b"\xff" * 20), greeting(b"")],
        "wrong socket types": [greeting() + ready(kind) + frame(b"", True) + frame(REQUEST)
                               for kind in (b"SUB", b"PUSH", b"PULL", b"PUB", b"PAIR", b"XXX", b"", b"%s%n", b"D" * 300)],
        "broken commands": [greeting() + b"\x04\x00", greeting() + b"\x04\x05\x05READ", greeting() + b"\x04\x06\x05ERROR",
                            greeting() + b"\x06" + b"\xff" * 8, greeting() + b"\x04\xff\xffREADY"],
    }
    for name, batch in batches.items():
        connections = [raw(server, data) for data in batch]
        honest.unharmed([peer], f"during {name}, SEED={SEED}", uncounted=True)
        for connection in connections:
            connection.close()
        honest.unharmed([peer], f"after {name}, SEED={SEED}", uncounted=True)


@attacked
def test_half_open_connections(server, honest, peer):
    """Peers that stop at any byte: silent, inside the greeting, the handshake, a message."""
    whole = greeting() + ready() + frame(b"", True) + frame(REQUEST)
    silent = [raw(server, whole[:length]) for length in range(0, len(whole), 3)]
    more = [raw(server, greeting() + ready() + frame(b"", True)),
            raw(server, greeting() + ready() + frame(b"", True) + frame(REQUEST, True)),
            raw(server, greeting() + ready() + b"\x02" + struct.pack(">Q", 2 ** 20) + REQUEST),
            raw(server, greeting() + ready() + b"\x02" + struct.pack(">Q", 2 ** 63) + REQUEST)]
    honest.unharmed([peer], "while they are silent")
    for connection in silent[::2]:
        connection.shutdown(socket.SHUT_WR)
    for connection in silent[1::2] + more:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.close()
    honest.unharmed([peer], "after resets in the middle")
    for connection in silent[::2]:
        connection.close()


@attacked
def test_peers_of_before_zmtp_3(server, honest, peer):
    """ZMTP 1 and 2 have hardly any bytes that are wrong; who speaks them is not served."""
    whole = {
        "1": b"\x01\x00" + b"\x01\x01" + b"\x01\x00",
        "2": b"\xff" + bytes(8) + b"\x7f\x01\x05" + b"\x00\x00",
    }
    for version, greeted in whole.items():
        connection = raw(server)
        connection.settimeout(20)
        connection.sendall(greeted)
        try:
            while connection.recv(4096):
                pass
        except ConnectionResetError:
            pass
        except socket.timeout:
            raise AssertionError(f"a peer of ZMTP {version} stays")
        connection.close()
    honest.unharmed([peer], "after peers of before ZMTP 3")


@attacked
def test_handwritten_handshake_is_served(server, honest, peer):
    """The raw peer of these tests does speak ZMTP: the same bytes, whole, are answered."""
    for identity in (None, b"", b"x", b"\0zero", b"y" * 255):
        connection = raw(server, greeting() + ready(identity=identity) + frame(b"", True) + frame(REQUEST))
        reply = decode(read_frames(connection, 2))
        if identity is None:
            has(reply, status="queued", monitor_name="held")
            connection.sendall(frame(b"", True) + frame(REQUEST.replace(b"ENTER", b"CANCEL")))
        connection.close()
        until(lambda: honest.seen() == honest.before, "the raw client leaves the line")


@attacked
def test_routing_ids_above_255_bytes(server, honest, peer):
    """ZMTP allows 255, libzmq's ROUTER takes any length from a raw peer."""
    for length in (256, 257, 300, 512, 1000, 65536, 70000, 2 ** 20):
        connections = [raw(server, greeting() + ready(identity=bytes([n + 1]) * length) + frame(b"", True)
                           + frame(b'{"action":"ENTER","monitor_name":"own","process_id":"raw%d"}' % n)) for n in range(5)]
        for connection in connections:
            # The server's READY comes; whether an answer does is not promised.
            try:
                read_frames(connection, 0)
            except (AssertionError, OSError):
                pass
        honest.unharmed([peer], f"a routing id of {length} bytes", uncounted=True)
        for connection in connections:
            connection.close()
        until(lambda: not server.alive() or status(server, "own")["owner"] is None, "the raw clients end")
        honest.unharmed([peer], f"after a routing id of {length} bytes", uncounted=True)


@attacked
def test_same_routing_id(server, honest, peer):
    """A second peer with the routing id of the first is ignored; the first goes on."""
    with Peer(server.tcp) as first, Peer(server.tcp) as second:
        for each in (first, second):
            each.close()
            each.socket = zmq.Context.instance().socket(zmq.DEALER)
            each.socket.setsockopt(zmq.LINGER, 0)
            each.socket.setsockopt(zmq.ROUTING_ID, b"same")
        first.socket.connect(server.tcp)
        has(first.say({"action": "ENTER", "monitor_name": "own", "process_id": "first"}), status="granted")
        second.socket.connect(server.tcp)
        second.send(b"", encode({"action": "EXIT", "monitor_name": "own", "process_id": "first"}))
        has(first.say({"action": "CHECK_GRANT", "monitor_name": "own", "process_id": "first"}), status="granted")
        honest.unharmed([peer])
        same(second.receive(0), None, "the second is ignored")
        has(first.say({"action": "EXIT", "monitor_name": "own", "process_id": "first"}), status="success")


@attacked
def test_probe_router(server, honest, peer):
    """ZMQ_PROBE_ROUTER sends one empty frame first: it is answered as a message without a delimiter."""
    with Peer(server.tcp) as probe:
        probe.close()
        probe.socket = zmq.Context.instance().socket(zmq.DEALER)
        probe.socket.setsockopt(zmq.LINGER, 0)
        probe.socket.setsockopt(zmq.PROBE_ROUTER, 1)
        probe.socket.connect(server.tcp)
        has(probe.answer(), code="bad_field")
        has(probe.say({"action": "STATUS"}), status="ok")
        honest.unharmed([peer, probe])


# Frames and sizes ----------------------------------------------------------------------------------

@attacked
def test_frames(server, honest, peer):
    request = encode({"action": "CHECK_GRANT", "monitor_name": "x", "process_id": "p"})
    for frames in ([request], [b""], [b"x", request], [request, b""], [b" ", request],
                   [b"", request, b""], [b"", request, request], [b"", request, request, request],
                   [request] * 1000, [b"\0" * 255, b"\xff"], [b"", request] + [b""] * 1000):
        peer.send(*frames)
        reply = peer.answer()
        same((reply["status"], reply.get("code")), ("error", "bad_field"), f"{len(frames)} frames: {frames[:3]!r}")
    honest.unharmed([peer], "after odd frames")
    for body in (b"", b" ", b"\n", b"\0", b"x", b"0", b"null", b"true", b'""', b"[]", b"[{}]"):
        has(peer.ask(b"", body), f"{body!r}", status="error", code="bad_json")
    has(peer.ask(b"", b"{}"), status="error", code="missing_field")


@attacked
def test_too_many_frames_of_which_the_first_is_no_json(server, honest, peer):
    """Section 1: more than one frame behind the delimiter is `bad_field`, whatever is in them."""
    request = encode({"action": "CHECK_GRANT", "monitor_name": "x", "process_id": "p"})
    for frames in ([b"", b"", request], [b"", b"nonsense", b"nonsense"], [b""] * 1000, [b"", b""] + [request] * 300):
        reply = peer.ask(*frames)
        same((reply["status"], reply.get("code")), ("error", "bad_field"), f"{len(frames)} frames: {frames[:3]!r}, {reply!r}")


def padded(length):
    body = encode({"action": "CHECK_GRANT", "monitor_name": "x", "process_id": "padded"})
    return body + b" " * (length - len(body))


def long_field(length):
    head, tail = b'{"action":"CHECK_GRANT","monitor_name":"x","process_id":"padded","pad":"', b'"}'
    return head + b"p" * (length - len(head) - len(tail)) + tail


@attacked
def test_sizes(server, honest, peer):
    for make in (padded, long_field):
        peer.refused(make(65535), "not_waiting")
        peer.refused(make(65536), "not_waiting")
        peer.refused(make(65537), "too_large")
        peer.refused(make(70000), "too_large")
        peer.refused(make(2 * 2 ** 20), "too_large")
        honest.unharmed([peer], "after long messages")
    peer.refused(b"\xff" * 65537, "too_large")
    peer.refused(b"[" * 65536, "bad_json")
    peer.refused(b'{"a":[' + b"0," * 32000 + b"0]}", "missing_field")
    reply = peer.refused(b'{"action":"ENTER","monitor_name":"x","process_id":"' + b"p" * 65000 + b'"}', "bad_name")
    has(reply, monitor_name="x")
    for length in (2 * 2 ** 20 + 1, 3 * 2 ** 20):
        with Peer(server.tcp) as big:
            has(big.say({"action": "ENTER", "monitor_name": "big", "process_id": f"big{length}"}), status="granted")
            big.send(b"", padded(length))
            until(lambda: status(server, "big")["owner"] is None, "the connection is closed, and its client ends")
            same(big.receive(0), None, "not answered")
            has(big.say({"action": "STATUS"}), status="ok")
        with Polling(server.tcp, "heir") as heir:
            has(heir.ask("ENTER", "big"), status="granted", abandoned=True)
            heir.exit("big")
    honest.unharmed([peer], "after huge messages")


@attacked
def test_many_frames_in_one_message(server, honest, peer):
    """20,000 frames with MORE: refused as one message, and only when it is whole."""
    connection = raw(server, greeting() + ready())
    connection.sendall(frame(b"", True) + frame(REQUEST, True) + frame(b"x" * 200, True) * 20000)
    honest.unharmed([peer], "inside a message without end")
    connection.sendall(frame(b"end"))
    has(decode(read_frames(connection, 2)), status="error", code="bad_field")
    connection.close()
    peer.errors["bad_field"] = peer.errors.get("bad_field", 0) + 1


# JSON ------------------------------------------------------------------------------------------------

def around(text, name=b"pad"):
    """A request that were good but for one value."""
    return b'{"action":"CHECK_GRANT","monitor_name":"x","process_id":"json","' + name + b'":' + text + b"}"


GOOD = around(b"0")


def deep(levels):
    """An object with so many levels of nesting, itself included."""
    return around(b"[" * (levels - 1) + b"]" * (levels - 1))


BAD_JSON = {
    "something behind": [GOOD + b"xyz", GOOD + GOOD, GOOD + b"{}", GOOD + b"\0", GOOD + b",", GOOD + b"//", b"x" + GOOD],
    "a field twice": [around(b'0,"pad":0'), around(b'0,"action":"CHECK_GRANT"'), around(b'0,"p\\u0061d":0'),
                      around(b'{"a":1,"a":2}'), around(b'[{"a":1,"a":1}]')],
    "control characters": [around(b'"' + bytes([byte]) + b'"') for byte in range(32)],
    "control characters in a name": [around(b"0", b"a" + bytes([byte])) for byte in range(32)],
    "control characters as white space": [around(bytes([byte]) + b"0") for byte in range(32) if byte not in b"\t\n\r"],
    "other white space": [around(b"\x7f0"), around("\u00a00".encode()), around("\u20280".encode()), b"\xef\xbb\xbf" + GOOD],
    "U+0000": [around(b'"\\u0000"'), around(b'"a\\u0000b"'), around(b"0", b"a\\u0000")],
    "not UTF-8": [around(b'"' + bad + b'"') for bad in (
        b"\x80", b"\xbf", b"\xc0\x80", b"\xc1\xbf", b"\xe0\x80\x80", b"\xe0\x9f\xbf", b"\xed\xa0\x80", b"\xed\xbf\xbf",
        b"\xf0\x80\x80\x80", b"\xf0\x8f\xbf\xbf", b"\xf4\x90\x80\x80", b"\xf5\x80\x80\x80", b"\xf8\x88\x80\x80\x80", b"\xfe",
        b"\xff", b"\xc3", b"\xe2\x82", b"\xf0\x9f\x98", b"\xc3(", b"a\xffb")],
    "UTF-16": [GOOD.decode().encode("utf-16"), GOOD.decode().encode("utf-16-le"), GOOD.decode().encode("utf-32")],
    "lone surrogates": [around(b'"' + bad + b'"') for bad in (b"\\ud800", b"\\udc00", b"\\ud800\\ud800", b"\\ud800x", b"\\udc00\\ud800")],
    "escapes": [around(b'"' + bad + b'"') for bad in (b"\\x41", b"\\a", b"\\'", b"\\u12", b"\\u12g4", b"\\U0041", b"\\0", b"\\")],
    "numbers": [around(bad) for bad in (
        b"+1", b"0x10", b"NaN", b"nan", b"Infinity", b"-Infinity", b"inf", b"1.5.5", b"0123", b"-01", b"00", b"1.", b".5", b"-",
        b"--1", b"1e", b"1e+", b"1.e5", b"1_000", b"1,5", b"0b1", b"1f", b"- 1", b"1 2", b"\xd9\xa1")],
    "numbers above 40 characters": [around(b"1" * 41), around(b"1" * 80), around(b"0." + b"0" * 39), around(b"-" + b"1" * 40), around(b"1" * 60000)],
    "commas": [around(b"[1,]"), around(b"[,1]"), around(b"[,]"), around(b"[1 2]"), around(b"[1,,2]"), around(b'{"a":1,}'),
               around(b"0,"), GOOD[:-1] + b",}", b"{," + GOOD[1:], around(b'{"a" 1}'), around(b'{"a"::1}'), around(b'{"a"}'), around(b"{:1}")],
    "comments": [around(b"0/*x*/"), around(b"0//x\n"), around(b"0#x\n"), b"/**/" + GOOD],
    "quotes": [around(b"'0'"), GOOD.replace(b'"', b"'"), around(b"`0`"), b'{action:"STATUS"}', around(b'{1:2}'), around(b"\xe2\x80\x9c0\xe2\x80\x9d")],
    "words": [around(bad) for bad in (b"True", b"FALSE", b"Null", b"nul", b"tru", b"nulll", b"undefined", b"None", b"", b"x")],
    "unfinished": [GOOD[:length] for length in range(len(GOOD))],
    "brackets": [around(b"[}"), around(b"{]"), around(b"]"), around(b"[[]"), b"}" + GOOD, GOOD + b"}", around(b"[1}"), b"{{}}"],
    "not an object": [b"[" + GOOD + b"]", b'"x"', b"1", b"null", b"true", b"[]", b"1 ", b'["action","STATUS"]'],
    "too deep": [deep(10), deep(1000), deep(1001), around(b'{"a":' * 9 + b"1" + b"}" * 9), around(b"[" * 30000)],
    "too many fields": [around(b"0," + b",".join(b'"f%d":0' % n for n in range(61))),
                        around(b"{" + b",".join(b'"f%d":0' % n for n in range(65)) + b"}"),
                        around(b"{" + b",".join(b'"f%d":0' % n for n in range(5000)) + b"}")],
}

GOOD_JSON = [
    GOOD, b" \t\r\n" + GOOD + b" \t\r\n", around(b"1e400"), around(b"-0"), around(b"1.5e-7"), around(b"1E+2"), around(b"1" * 40),
    around(b"null"), around(b"3000000000"), around(b"9007199254740993"), around(b'"\\ud83d\\ude00"'), around(b'"\\"\\\\\\/\\b\\f\\n\\r\\t"'),
    around("\"zażółć \U0001f600\"".encode()), around(b'"\x7f"'), around(b'"\\u0001"'), deep(8), around(b"[" + b"0," * 20000 + b"0]"),
    around(b"0," + b",".join(b'"f%d":0' % n for n in range(60))), around(b"{" + b",".join(b'"f%d":0' % n for n in range(64)) + b"}"),
    around(b'0,"Action":"EXIT","ACTION":"EXIT","Monitor_Name":"held"'), around(b'{"action":"EXIT"}'), around(b"0", b""),
    GOOD.replace(b"CHECK_GRANT", b"\\u0043HECK_GRANT"), GOOD.replace(b'"action"', b'"\\u0061ction"'),
]


def json_test(name):
    @attacked
    def test(server, honest, peer):
        for text in BAD_JSON[name]:
            peer.refused(text, "bad_json")
        honest.unharmed([peer])
    test.__name__ = "test_json_" + name.replace(" ", "_")
    return test


for each_name in BAD_JSON:
    globals()[json_test(each_name).__name__] = json_test(each_name)


@attacked
def test_json_nesting_of_9_levels(server, honest, peer):
    """Section 1 allows 8 levels; the message's own object is one of them."""
    peer.refused(deep(9), "bad_json")


@attacked
def test_json_that_is_good(server, honest, peer):
    """What RFC 8259 and the limits allow in a field that is not named is ignored, also odd things."""
    for text in GOOD_JSON:
        reply = peer.refused(text, "not_waiting")
        has(reply, monitor_name="x")


# Fields -----------------------------------------------------------------------------------------------

NOT_STRINGS = [None, True, False, 0, 1, -1, 1.5, [], ["x"], {}, {"x": 1}]
BAD_SPELT_NAMES = ["", " ", "a b", "x" * 129, "x" * 5000, "a\nb", "a\tb", "\u001b[31m", "a\u202eb", "a\u200fb", "\u00e9", "e\u0301",
                   "%s%n%d", "..\\x", "a;b", "a,b", "=1+1", "+1", "a'b", 'a"b', "<b>", "a\\b", "a|b", "$(x)", "`x`", "{}", "*", "?", "\u007f",
                   "\U0001f600", "a\rb", "a%00b", "~", "#", "&", "!", "(", "[x]"]
GOOD_NAMES = ["../../etc/passwd", "/", "..", "-", "--help", "@", ":", "_", "x" * 128, "A.b_c:d/e@f-0"]
BAD_IDS = ["", "x" * 256, "\u00e9" * 128, "a\nb", "a\tb", "\u001b[31m", "\u007f", "a\u202eb", "a\u200eb", "a\u200fb", "a\u2066b",
           "\u0085", "a\u2028b", "a\u009bb"]
GOOD_IDS = ["x" * 255, "a b", "%s%n", "../../x", "za\u017c\u00f3\u0142\u0107", "\U0001f600", "=1+1", "'; DROP TABLE", "a\"b\\c", "\u00e9" * 127, "0"]
NOT_INTEGERS = [None, True, False, "", "1", "x", [], [1], {}, -1, -0.5, 1.5, 1e-9, 2 ** 53, 10 ** 18, -2 ** 63, 1e300]
NOT_BOOLEANS = [None, 0, 1, "", "true", "false", [], {}, 1.5]
BAD_TOKENS = [None, True, 0, 1, 1795420818031897054, "", " ", "x", "-1", "+1", "1.0", "1e3", " 1", "1 ", "0x1", "18446744073709551616",
              "9" * 40, "9" * 5000, [], {}, ["1"]]
NOT_ARRAYS = [None, True, 0, 1, 1.5, "", "c", {}, {"c": 1}]
BAD_REFS = ["", "x" * 129, "a\nb", "\u001b", "\u007f", "a\u202eb"]
NOT_NAMES = [[None], [1], [True], [[]], [["c"]], [{}], ["c", 1], ["c", None]]

FIELDS = {
    "action": [(NOT_STRINGS, "bad_field")],
    "monitor_name": [(NOT_STRINGS, "bad_field"), (BAD_SPELT_NAMES, "bad_name")],
    "condition_name": [(NOT_STRINGS, "bad_field"), (BAD_SPELT_NAMES, "bad_name")],
    "process_id": [(NOT_STRINGS, "bad_field"), (BAD_IDS, "bad_name")],
    "label": [(NOT_STRINGS, "bad_field"), (BAD_IDS, "bad_name")],
    "timeout_ms": [(NOT_INTEGERS, "bad_field")],
    "lease_ms": [(NOT_INTEGERS + [0], "bad_field")],
    "protocol": [([value for value in NOT_INTEGERS], "bad_field")],
    "seq": [(NOT_INTEGERS + [0], "bad_field")],
    "cancel_seq": [(NOT_INTEGERS, "bad_field")],
    "signal": [(NOT_ARRAYS + NOT_NAMES, "bad_field"), ([[name] for name in BAD_SPELT_NAMES] + [["c", ""]], "bad_name")],
    "broadcast": [(NOT_ARRAYS + NOT_NAMES, "bad_field"), ([[name] for name in BAD_SPELT_NAMES] + [["c", ""]], "bad_name")],
    "reply": [(NOT_BOOLEANS, "bad_field")],
    "token": [(BAD_TOKENS, "bad_field")],
    "ref": [(NOT_STRINGS, "bad_field"), (BAD_REFS, "bad_field")],
    "session": [(NOT_STRINGS, "bad_field"), (["", "x" * 5000, "a\nb"], "bad_field")],
}

# Per action a good request and the fields that PROTOCOL.md names for it; "!" marks those that it needs.
POLLING_FIELDS = {
    "ENTER": "!process_id !monitor_name timeout_ms",
    "CHECK_GRANT": "!process_id !monitor_name",
    "EXIT": "!process_id !monitor_name signal broadcast",
    "WAIT": "!process_id !monitor_name !condition_name timeout_ms signal broadcast",
    "CHECK_AWAKENED": "!process_id !monitor_name !condition_name",
    "SIGNAL": "!process_id !monitor_name !condition_name",
    "BROADCAST": "!process_id !monitor_name !condition_name",
    "CANCEL": "!process_id !monitor_name",
    "CHECK": "!monitor_name !token session ref",
    "STATUS": "monitor_name ref",
    "HELLO": "!protocol !process_id label lease_ms session ref",
}
PUSH_FIELDS = {
    "ENTER": "!seq !monitor_name timeout_ms",
    "EXIT": "!seq !monitor_name signal broadcast reply",
    "WAIT": "!seq !monitor_name !condition_name timeout_ms signal broadcast",
    "SIGNAL": "!seq !monitor_name !condition_name",
    "BROADCAST": "!seq !monitor_name !condition_name",
    "CANCEL": "!cancel_seq ref",
    "BEAT": "ref",
    "BYE": "ref",
}
VALUES = {"process_id": "fields", "monitor_name": "fields", "condition_name": "c", "token": "1", "protocol": 2, "seq": 1, "cancel_seq": 1}


def expect_refused(peer, message, codes, seq=None):
    reply = peer.refused(message, *codes)
    if seq is not None:
        has(reply, f"{message!r}", seq=seq)


@attacked
@options("--max-refused", "100000")
def test_fields_of_polling(server, honest, peer):
    """Every wrong value of every field of every action, and every needed field missing."""
    for action, names in POLLING_FIELDS.items():
        needed = [name[1:] for name in names.split() if name[0] == "!"]
        good = {"action": action, **{name: VALUES[name] for name in needed}}
        for name in needed + ["action"]:
            peer.refused({key: value for key, value in good.items() if key != name}, "missing_field")
        for name in [name.lstrip("!") for name in names.split()] + ["action"]:
            for values, code in FIELDS[name]:
                for value in values:
                    reply = peer.refused({**good, name: value}, code)
                    if name != "monitor_name" and "monitor_name" in good:
                        has(reply, f"{action} with {name} = {value!r}", monitor_name="fields")
        honest.unharmed([peer], f"after {action}")
    same(status(server, "fields")["owner"], None)


@attacked
def test_fields_of_push(server, honest, peer):
    """The same in a session: a request that can be parsed and carries the next seq uses it up."""
    session = peer.say({"action": "HELLO", "protocol": 2, "process_id": "push fields", "lease_ms": 3600000})["session"]
    seq = 0
    for action, names in PUSH_FIELDS.items():
        needed = [name[1:] for name in names.split() if name[0] == "!"]
        good = {"action": action, "session": session, **{name: VALUES[name] for name in needed}}
        sequenced = "seq" in needed
        for name in [name.lstrip("!") for name in names.split()]:
            wrong = [({**good, name: value}, code) for values, code in FIELDS[name] for value in values]
            if name in needed:
                wrong.append(({key: value for key, value in good.items() if key != name}, "missing_field"))
            for message, code in wrong:
                if sequenced and name != "seq":
                    seq += 1
                    message["seq"] = seq
                    has(peer.refused(message, code), f"{message!r}", seq=seq)
                else:
                    peer.refused(message, code)
        for values, code in FIELDS["session"]:
            for value in values:
                peer.refused({**good, "session": value}, code)
        honest.unharmed([peer], f"after {action}")
    reply = peer.say({"action": "ENTER", "session": session, "seq": seq + 1, "monitor_name": "fields"})
    has(reply, status="granted", seq=seq + 1)
    has(peer.say({"action": "BYE", "session": session}), status="bye")


@attacked
def test_odd_names_that_are_good(server, honest, peer):
    for name in GOOD_NAMES:
        for action, wanted in (("ENTER", "granted"), ("SIGNAL", "success"), ("EXIT", "success")):
            reply = peer.say({"action": action, "monitor_name": name, "condition_name": name, "process_id": "odd"})
            has(reply, status=wanted, monitor_name=name)
    for name in GOOD_IDS:
        has(peer.say({"action": "ENTER", "monitor_name": "ids", "process_id": name}), status="granted")
        same(status(server, "ids")["owner"]["id"], name)
        has(peer.say({"action": "EXIT", "monitor_name": "ids", "process_id": name}), status="success")


@attacked
def test_unknown_actions(server, honest, peer):
    for action in ("", " ", "enter", "Enter", "ENTER ", " ENTER", "ENTER\n", "ENTERS", "ENTE", "SIGNAL_ALL", "STOP", "stop_server",
                   "%s%n", "../ENTER", "\u202eRETNE", "\u001b[2J", "x" * 60000, "ＥＮＴＥＲ", "error", "none", "granted", "*"):
        reply = peer.refused({"action": action, "monitor_name": "held", "process_id": "holder2", "ref": "r"}, "unknown_action")
        has(reply, monitor_name="held")
    for key in ("Action", "ACTION", "action ", " action", "a\u0441tion"):
        peer.refused({key: "EXIT", "monitor_name": "held", "process_id": "holder2"}, "missing_field")
    same(sorted(set(status(server)["received"]) - {"STATUS", "ENTER", "WAIT", "HELLO", "CHECK", "SIGNAL", "EXIT"}), ["none"],
         "unknown actions are not counted by their names")


# Others' identities -----------------------------------------------------------------------------------

@attacked
def test_anothers_id_and_session(server, honest, peer):
    for action in ("ENTER", "EXIT", "WAIT", "SIGNAL", "BROADCAST", "CHECK_GRANT", "CHECK_AWAKENED", "CANCEL"):
        for name in ("holder", "queued", "sleeper", "push_holder", "push_queued"):
            monitor = "push_held" if name.startswith("push") else "held"
            peer.refused({"action": action, "monitor_name": monitor, "condition_name": "c", "process_id": name}, "id_in_use")
    for name in ("holder", "push_sleeper"):
        peer.refused({"action": "HELLO", "protocol": 2, "process_id": name}, "id_in_use")
    honest.unharmed([peer], "after another's id")
    for client in honest.push:
        for action in ("ENTER", "EXIT", "WAIT", "SIGNAL", "BROADCAST", "CANCEL", "BEAT", "BYE"):
            message = {"action": action, "session": client.session, "seq": client.seq + 1, "cancel_seq": client.seq,
                       "monitor_name": "push_held", "condition_name": "c"}
            peer.refused(message, "session_lost")
            peer.refused({**message, "process_id": client.process_id}, "session_lost")
        peer.refused({"action": "HELLO", "protocol": 2, "process_id": "thief", "session": client.session}, "session_lost")
        peer.refused({"action": "HELLO", "protocol": 2, "process_id": client.process_id, "session": client.session[:-1]}, "session_lost", "id_in_use")
        peer.refused({"action": "HELLO", "protocol": 2, "process_id": client.process_id, "session": client.session.upper() + "x"}, "session_lost", "id_in_use")
    honest.unharmed([peer], "after another's session")
    own = peer.say({"action": "HELLO", "protocol": 2, "process_id": "thief"})["session"]
    reply = peer.say({"action": "EXIT", "session": own, "seq": 1, "monitor_name": "push_held", "process_id": "push_holder"})
    same(reply["status"], "error", "own session, another's id")
    honest.unharmed([peer], "after own session with another's id")


@attacked
def test_hello_of_other_protocols(server, honest, peer):
    for protocol in (1, 3, 4, 255, 65536, 2 ** 31, 2 ** 32 + 2, 2 ** 53 - 1):
        has(peer.refused({"action": "HELLO", "protocol": protocol, "process_id": "old"}, "bad_protocol"), protocol=2)
        has(peer.refused({"action": "HELLO", "protocol": protocol, "process_id": "push_holder", "session": honest.push[0].session},
                         "bad_protocol"), protocol=2)
    same(status(server)["sessions"], 7, "none of them began a session")


@attacked
def test_out_of_order(server, honest, peer):
    """What belongs after something else, before it."""
    for action in ("EXIT", "WAIT", "SIGNAL", "BROADCAST"):
        peer.refused({"action": action, "monitor_name": "held", "condition_name": "c", "process_id": "p"}, "not_owner")
    for action in ("CHECK_GRANT", "CHECK_AWAKENED", "CANCEL"):
        peer.refused({"action": action, "monitor_name": "held", "condition_name": "c", "process_id": "p"}, "not_waiting")
    for action in ("BEAT", "BYE"):
        peer.refused({"action": action}, "missing_field")
        peer.refused({"action": action, "session": "none"}, "session_lost")
    peer.refused({"action": "CANCEL", "session": "none", "cancel_seq": 1}, "session_lost")
    peer.refused({"action": "ENTER", "session": "none", "seq": 1, "monitor_name": "held"}, "session_lost")


# Many -------------------------------------------------------------------------------------------------

NAMES = ["held", "push_held", "fuzz", "fuzz2", "", "no name", 5, None]
IDS = ["fuzz1", "fuzz2", "fuzz3", "fuzz four", "", 7, None]
ACTIONS = [*POLLING_FIELDS, "BEAT", "BYE"]


def random_value(chance, depth=0):
    pick = chance.randrange(9 if depth < 3 else 7)
    if pick == 0:
        return chance.choice([None, True, False])
    if pick == 1:
        return chance.choice([0, 1, -1, 2, 50, 2 ** 31, 2 ** 53, 10 ** 18, -0.5, 1e300])
    if pick < 7:
        return chance.choice(["", "c", "held", "1", "x" * chance.randrange(300), "\u202e%s", "\u0000", "a\nb", str(chance.random())])
    if pick == 7:
        return [random_value(chance, depth + 1) for _ in range(chance.randrange(4))]
    return {str(chance.randrange(9)): random_value(chance, depth + 1) for _ in range(chance.randrange(4))}


def random_message(chance):
    message = {"action": chance.choice(ACTIONS)}
    for name, values in (("monitor_name", NAMES), ("process_id", IDS), ("condition_name", ["c", "d", "", 1]),
                         ("timeout_ms", [0, 1, 30, -1, "1"]), ("signal", [["c"], [], ["c", "d"], "c", [1]]), ("broadcast", [["c"], [""]]),
                         ("token", ["1", "0", 1, "x"]), ("protocol", [1, 2, 3, "2"]), ("lease_ms", [1, 300]), ("ref", ["r", "", 1]),
                         ("label", ["l", 1])):
        if chance.random() < (0.85 if name in ("monitor_name", "process_id", "condition_name") else 0.2):
            message[name] = chance.choice(values) if chance.random() < 0.9 else random_value(chance)
    if chance.random() < 0.1:
        message["session"] = random_value(chance)
        message["seq"] = random_value(chance)
    if chance.random() < 0.1:
        message[chance.choice(list(message))] = random_value(chance)
    body = encode(message)
    if chance.random() < 0.1:
        body = bytearray(body)
        for _ in range(chance.randrange(1, 4)):
            place = chance.randrange(len(body))
            if chance.random() < 0.5:
                body[place] = chance.randrange(256)
            else:
                del body[place:place + chance.randrange(1, 5)]
            if not body:
                break
        body = bytes(body)
    return body


def only_fuzz(honest):
    """The fuzzers may stand in the honest monitors' lines; the honest clients are as before."""
    told = honest.seen()
    known = [each for monitor in honest.before for key in ("line", "waiters") for each in monitor[key]]
    for monitor in told:
        for key in ("line", "waiters"):
            monitor[key] = [each for each in monitor[key] if each in known]
    return told


def flush(peer, count):
    """The answers to so many messages; one answer for each."""
    try:
        for _ in range(count):
            peer.answer()
    except Silent:
        raise AssertionError(f"messages were not answered, SEED={SEED}") from None


@attacked
def test_random_messages(server, honest, peer):
    """Thousands of random requests; each without a session is answered once."""
    print(f"     SEED={SEED}", flush=True)
    chance = random.Random(SEED)
    for batch in range(30):
        with Peer(server.tcp) as fuzzer:
            sent = 0
            for _ in range(200):
                body = random_message(chance)
                fuzzer.send(b"", body)
                sent += 1
                if sent % 25 == 0:
                    flush(fuzzer, 25)
            same(fuzzer.receive(0), None, f"one answer only, SEED={SEED}")
            same(only_fuzz(honest), honest.before, f"batch {batch}, SEED={SEED}")
            peer.errors = {code: peer.errors.get(code, 0) + fuzzer.errors.get(code, 0) for code in {**peer.errors, **fuzzer.errors}}
        until(lambda: honest.seen() == honest.before, f"the fuzzer's clients end with its connection, SEED={SEED}")
        honest.unharmed([peer], f"after batch {batch}, SEED={SEED}")


@attacked
def test_random_messages_of_a_session(server, honest, peer):
    """Random requests with a true session and a plausible seq: anything goes but harm to others."""
    print(f"     SEED={SEED}", flush=True)
    chance = random.Random(SEED + 1)
    for batch in range(20):
        fuzzer = Push(server.tcp, f"fuzz{batch}", lease_ms=3600000)
        for _ in range(200):
            message = {"action": chance.choice(["ENTER", "EXIT", "WAIT", "SIGNAL", "BROADCAST", "CANCEL", "BEAT", "CHECK"]),
                       "session": fuzzer.session, "monitor_name": chance.choice(["fuzz", "fuzz2", "held", "push_held", ""]),
                       "seq": fuzzer.seq + chance.choice([1, 1, 1, 1, 0, -1, 2, 100]), "cancel_seq": fuzzer.seq, "condition_name": "c"}
            if chance.random() < 0.3:
                message["timeout_ms"] = chance.choice([0, 1, 5, -1])
            if chance.random() < 0.2:
                message[chance.choice(["signal", "broadcast"])] = chance.choice([["c"], ["c", "c"], [""], 1])
            if chance.random() < 0.2:
                message["reply"] = chance.choice([True, False, 0])
            fuzzer.send(message)
            while (reply := fuzzer.listen(0.001 if chance.random() < 0.2 else 0)) is not None:
                if reply["status"] == "error":
                    well_formed(reply)
                    peer.errors[reply["code"]] = peer.errors.get(reply["code"], 0) + 1
                if reply["status"] not in STATUSES:
                    raise AssertionError(f"no such status: {reply!r}")
                if "seq" in reply and reply.get("code") not in ("seq_gap", "busy", "seq_reused"):
                    fuzzer.seq = max(fuzzer.seq, reply["seq"])
        same(only_fuzz(honest), honest.before, f"batch {batch}, SEED={SEED}")
        while True:
            reply = fuzzer.tell("BEAT", ref="last")
            while reply.get("ref") != "last" or reply["status"] != "alive":
                if reply["status"] == "error":
                    peer.errors[reply["code"]] = peer.errors.get(reply["code"], 0) + 1
                reply = fuzzer.next()
            break
        fuzzer.close()
        until(lambda: honest.seen() == honest.before, f"the fuzzer ends with its connection, SEED={SEED}")
        honest.unharmed([peer], f"after batch {batch}, SEED={SEED}")


@attacked
def test_200_connections(server, honest, peer):
    """200 peers at a time: all are answered, none is mixed up, all are forgotten."""
    chance = random.Random(SEED)
    peers = [Peer(server.tcp if n % 2 else server.ipc) for n in range(200)]
    silent = [raw(server, greeting()[:chance.randrange(64)]) for _ in range(200)]
    for n, each in enumerate(peers):
        each.send(b"", encode({"action": "ENTER", "monitor_name": f"own{n}", "process_id": f"many{n}"}))
        each.send(b"", b"{" * n)
        each.send(encode({"action": "STATUS"}))
        each.send(b"", encode({"action": "ENTER", "monitor_name": "many", "process_id": f"many{n}"}))
        each.send(b"", encode({"action": "EXIT", "monitor_name": "held", "process_id": f"many{n}"}))
    for n, each in enumerate(peers):
        has(each.answer(), status="granted", monitor_name=f"own{n}")
        has(each.answer(), code="bad_json")
        has(each.answer(), code="bad_field")
        reply = each.answer()
        if reply["status"] not in ("granted", "queued") or reply["monitor_name"] != "many":
            raise AssertionError(f"{n}: {reply!r}")
        has(each.answer(), code="not_owner", monitor_name="held")
    same(status(server)["sessions"], 207)
    same(status(server, "many")["line_length"], 199)
    honest.unharmed([peer, *peers], "with 200 peers")
    for each in peers:
        each.close()
    for each in silent:
        each.close()
    until(lambda: status(server)["sessions"] == 7, "they are forgotten")


@attacked
@options("--max-sessions", "10", "--max-monitors", "6", "--max-conditions", "3")
def test_limits(server, honest, peer):
    """Whoever takes all that the server has is told `limit`; what the honest have stays theirs."""
    for n in range(3):
        has(peer.say({"action": "ENTER", "monitor_name": f"m{n}", "process_id": f"p{n}"}), status="granted")
    limited(peer, {"action": "ENTER", "monitor_name": "m0", "process_id": "p3"}, "10 sessions")
    limited(peer, {"action": "HELLO", "protocol": 2, "process_id": "p3"}, "10 sessions")
    honest.unharmed([peer], "with all sessions taken")
    has(peer.say({"action": "ENTER", "monitor_name": "m3", "process_id": "p0"}), status="granted")
    limited(peer, {"action": "ENTER", "monitor_name": "m4", "process_id": "p0"}, "6 monitors")
    has(peer.say({"action": "EXIT", "monitor_name": "m3", "process_id": "p0"}), status="success")
    honest.unharmed([peer], "after all monitors were taken")


def limited(peer, message, what):
    """The peer is told which limit stands against it."""
    reply = peer.refused(message, "limit")
    if what not in reply["message"]:
        raise AssertionError(f"{what!r} is not in {reply!r}")


@attacked
@options("--max-conditions", "3", "--max-clients", "4", "--max-places", "3", "--max-ids", "5")
def test_limits_of_one_monitor_client_and_connection(server, honest, peer):
    """conditions and clients of one monitor, monitors of one client, clients of one connection"""
    other = Peer(server.ipc)
    for n in range(3):
        has(peer.say({"action": "ENTER", "monitor_name": "m", "process_id": f"p{n}"}), status="granted")
        has(peer.say({"action": "WAIT", "monitor_name": "m", "process_id": f"p{n}", "condition_name": f"c{n}"}), status="waiting_on_condition")
    has(peer.say({"action": "ENTER", "monitor_name": "m", "process_id": "p3"}), status="granted")
    limited(peer, {"action": "WAIT", "monitor_name": "m", "process_id": "p3", "condition_name": "c3"}, "3 conditions of one monitor")
    # Who waits is a client too; the owner is in, and may wait, whoever else is there.
    limited(other, {"action": "ENTER", "monitor_name": "m", "process_id": "o0"}, "4 clients of one monitor")
    has(peer.say({"action": "WAIT", "monitor_name": "m", "process_id": "p3", "condition_name": "c0"}), status="waiting_on_condition")
    limited(other, {"action": "ENTER", "monitor_name": "m", "process_id": "o0", "timeout_ms": 0}, "4 clients of one monitor")
    for n in range(3):
        has(other.say({"action": "ENTER", "monitor_name": f"n{n}", "process_id": "o0"}), status="granted")
    limited(other, {"action": "ENTER", "monitor_name": "n3", "process_id": "o0"}, "3 monitors of one client")
    has(other.say({"action": "EXIT", "monitor_name": "n0", "process_id": "o0"}), status="success")
    has(other.say({"action": "ENTER", "monitor_name": "n3", "process_id": "o0"}), status="granted")
    has(peer.say({"action": "ENTER", "monitor_name": "x", "process_id": "p4"}), status="granted")
    limited(peer, {"action": "ENTER", "monitor_name": "y", "process_id": "p5"}, "5 clients of one connection")
    limited(peer, {"action": "HELLO", "protocol": 2, "process_id": "p5"}, "5 clients of one connection")
    # Nor may more be gathered there by resuming.
    spare = Push(server.tcp, "spare", lease_ms=3600000)
    limited(peer, {"action": "HELLO", "protocol": 2, "process_id": "spare", "session": spare.session}, "5 clients of one connection")
    has(other.say({"action": "HELLO", "protocol": 2, "process_id": "spare", "session": spare.session}), status="welcome", resumed=True)
    spare.close()
    honest.unharmed([peer, other], "with all places taken")
    other.close()


@attacked
def test_status_of_more_clients_than_it_lists(server, honest, peer):
    """1,000 of each list are told, and how many there are."""
    peers = [Peer(server.tcp) for _ in range(36)]
    for n, each in enumerate(peers):
        for i in range(60):
            name = f"c{n}-{i}"
            each.send(b"", encode({"action": "ENTER", "monitor_name": "waited", "process_id": name}))
            each.send(b"", encode({"action": "WAIT", "monitor_name": "waited", "process_id": name, "condition_name": f"k{i % 7}"}))
        for i in range(60):
            has(each.answer(), status="granted")
            has(each.answer(), status="waiting_on_condition")
        for i in range(60):
            each.send(b"", encode({"action": "ENTER", "monitor_name": "entered", "process_id": f"c{n}-{i}"}))
        for i in range(60):
            each.answer()
    waited, entered = status(server, "waited"), status(server, "entered")
    same((waited["waiters_length"], waited["line_length"], len(waited["waiters"])), (2160, 0, 1000))
    same((entered["line_length"], len(entered["line"]), entered["owner"]["id"]), (2159, 1000, "c0-0"))
    same([each["id"] for each in entered["line"]], [f"c{n // 60}-{n % 60}" for n in range(1, 1001)], "the line")
    same(len({each["id"] for each in waited["waiters"]}), 1000, "different waiters")
    honest.unharmed([peer, *peers], "with long lists")
    for each in peers:
        each.close()


# Connections that are ended ------------------------------------------------------------------------

def ended(connection, seconds=10):
    """The server closes it, and says nothing more than is on its way."""
    connection.settimeout(seconds)
    try:
        while connection.recv(65536):
            pass
        return True
    except ConnectionResetError:
        return True
    except socket.timeout:
        return False


def speaks(connection):
    """It is still served, whatever answers came before."""
    connection.sendall(frame(b"", True) + frame(b'{"action":"STATUS"}'))
    data = b""
    while b'"status":"ok"' not in data:
        more = connection.recv(65536)
        if not more:
            raise AssertionError("the connection was ended too early")
        data = data[-100:] + more


def entering(name):
    """What a polling client sends that enters."""
    return frame(b"", True) + frame(encode({"action": "ENTER", "monitor_name": name, "process_id": name}))


@attacked
def test_who_leaves_with_nonsense_is_gone(server, honest, peer):
    """libzmq tells the end of a connection before it passes on what it said last; then it closes it."""
    endless = b"\x02" + struct.pack(">Q", 1 << 40)
    before = status(server)["sessions"]
    for round in range(3):
        leavers = [raw(server, greeting() + ready()) for _ in range(50)]
        for n, each in enumerate(leavers):
            each.sendall(entering(f"leaver{n}") + endless)
        for each in leavers:
            if not ended(each):
                raise AssertionError("a message without end is put up with")
            each.close()
        until(lambda: status(server)["sessions"] == before, f"those who left are gone, round {round}")
        # Honest ones on the same descriptors, who leave as well.
        for n in range(50):
            with Polling(server.tcp, f"next{n}") as client:
                client.enter(f"next{n}")
        until(lambda: status(server)["sessions"] == before, f"the next ones are gone, round {round}")
    honest.unharmed([peer], "after those who left", uncounted=True)


@attacked
def test_nobody_is_cut_for_who_was_there_before(server, honest, peer):
    """One is gone when it is to be answered, and its descriptor is another one's."""
    for round in range(100):
        raw(server, greeting() + ready() + entering("gone")).close()
        spoke = raw(server, greeting() + ready())
        spoke.settimeout(10)
        for _ in range(2):
            speaks(spoke)
        spoke.close()
    honest.unharmed([peer], "after those who were gone", uncounted=True)


@attacked
@options("--silent-ms", "300")
def test_silent_connections_are_ended(server, honest, peer):
    """Whoever says nothing valid for so long; who spoke once may be silent."""
    spoke = raw(server, greeting() + ready())
    speaks(spoke)
    silent = [raw(server, greeting() + ready()) for _ in range(20)]
    silent += [raw(server, greeting() + ready() + frame(b"", True) + frame(b"{")) for _ in range(5)]
    silent += [raw(server, b"GET / HTTP/1.1\r\n\r\n")]
    for each in silent:
        if not ended(each):
            raise AssertionError("a silent connection is not ended")
    speaks(spoke)
    spoke.close()
    honest.unharmed([peer], "after the silent", uncounted=True)


@attacked
@options("--max-sessions", "12", "--max-connections", "30")
def test_more_connections_than_there_may_be(server, honest, peer):
    """The longest silent one goes; where all speak, the new one does. Who is there is served."""
    speaking = [raw(server, greeting() + ready()) for _ in range(3)]
    for each in speaking:
        speaks(each)
    silent = [raw(server, greeting() + ready()) for _ in range(60)]
    for each in silent[:30]:
        if not ended(each):
            raise AssertionError("a connection beyond the limit is not ended")
    late = Polling(server.tcp, "late")
    has(late.enter("late"), status="granted")
    for each in speaking:
        speaks(each)
    honest.unharmed([peer], "among 60 silent connections")
    for each in silent:
        each.close()
    # Now all speak.
    talkers = []
    for _ in range(40):
        talkers.append(raw(server, greeting() + ready()))
        try:
            speaks(talkers[-1])
        except (AssertionError, OSError):
            break
    else:
        raise AssertionError("there is no limit")
    for each in speaking + talkers[:-1]:
        speaks(each)
    late.exit("late")
    for each in talkers + speaking:
        each.close()
    late.close()
    honest.unharmed([peer], "after the talkers")


@attacked
@options("--max-refused", "50")
def test_nothing_but_refused_messages(server, honest, peer):
    """So many in a row end the connection, and not one fewer; one that is obeyed begins anew."""
    bad = frame(b"", True) + frame(b"{")
    secret = frame(b"", True) + frame(encode({"action": "BEAT", "session": "0" * 32}))
    for message in (bad, secret):
        connection = raw(server, greeting() + ready())
        for _ in range(3):
            connection.sendall(message * 49)
            speaks(connection)
        connection.sendall(message * 50)
        if not ended(connection):
            raise AssertionError("50 refused messages in a row are put up with")
    honest.unharmed([peer], "after refused messages", uncounted=True)


def sends_until_ended(connection, block, seconds=30):
    """Send without reading until the server ends the connection; gives the bytes sent.

    Who sends into a window that is closed at that moment is not told by send()."""
    sent = 0
    deadline = time.monotonic() + seconds
    end = select.poll()
    end.register(connection, select.POLLRDHUP)
    connection.settimeout(0.1)
    while time.monotonic() < deadline and not end.poll(0):
        try:
            sent += connection.send(block)
        except socket.timeout:
            pass
        except (BrokenPipeError, ConnectionResetError):
            return sent
    if end.poll(0):
        return sent
    raise AssertionError(f"still open after {sent} bytes and {seconds} s")


def resident_mib(server):
    with open(f"/proc/{server.pid}/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGESIZE") / 2 ** 20


@attacked
def test_endless_messages(server, honest, peer):
    """Frames without end, over tcp and ipc, full or empty: the connection is ended, memory stays small."""
    for part in (frame(b"x" * 200, True), frame(b"", True)):
        for kind in ("tcp", "ipc"):
            # One that has said something valid before, so that it is not taken for a silent one.
            if kind == "tcp":
                connection = raw(server)
            else:
                connection = socket.socket(socket.AF_UNIX)
                connection.connect(server.path)
            connection.settimeout(20)
            connection.sendall(greeting())
            left = 64
            while left:
                left -= len(connection.recv(left))
            connection.sendall(ready())
            speaks(connection)
            sent = sends_until_ended(connection, part * (65536 // len(part)))
            connection.close()
            if resident_mib(server) > 400:
                raise AssertionError(f"{resident_mib(server):.0f} MiB after a {kind} message without end")
            honest.unharmed([peer], f"after a {kind} message without end", uncounted=True)


# Floods --------------------------------------------------------------------------------------------

def flooding(server, kind):
    """A connection over which nothing has been said yet."""
    if kind == "tcp":
        made = socket.create_connection(("127.0.0.1", server.port))
    else:
        made = socket.socket(socket.AF_UNIX)
        made.connect(server.path)
    made.sendall(greeting())
    left = 64
    while left:
        left -= len(made.recv(left))
    made.sendall(ready())
    made.setblocking(False)
    return made


def flood(server, kind, message, connections=8):
    """A process that sends messages as fast as it can, reads, and comes back when it is cut; gives its id."""
    child = os.fork()
    if child != 0:
        return child
    try:
        block = (frame(b"", True) + frame(message)) * 100
        left = {flooding(server, kind): block for _ in range(connections)}
        while True:
            select.select(left, left, [], 10)
            for each in list(left):
                try:
                    sent = each.send(left[each])
                    left[each] = left[each][sent:] or block
                    each.recv(1 << 20)
                except BlockingIOError:
                    pass
                except (BrokenPipeError, ConnectionResetError):
                    each.close()
                    del left[each]
                    left[flooding(server, kind)] = block
    except BaseException:
        pass
    os._exit(0)


def flooded(kind):
    def test(server, honest, peer):
        # Short enough to be light, and more work for the server than for its input thread, so that there is
        # always another one.
        message = encode({"action": "CHECK", "monitor_name": "held", "token": "1", "x": [0] * 1300})
        floods = [flood(server, kind, message) for _ in range(2)]
        try:
            received = status(server)["received"].get("CHECK", 0)
            # Over tcp it is held up soon.
            many = 1000 if kind == "ipc" else 200
            until(lambda: status(server)["received"].get("CHECK", 0) > received + many, "the flood is there")
            # Requests and beats of others are served.
            honest_push = Push(server.tcp, "busy", lease_ms=10000)
            for _ in range(50):
                has(honest_push.enter("busy"), status="granted")
                has(honest_push.exit("busy"), status="success")
                has(honest_push.tell("BEAT"), status="alive")
            # The end of a connection is noticed: who waits for its monitor gets it.
            for n in range(5):
                with Push(server.ipc if n % 2 else server.tcp, "leaver", lease_ms=3600000) as leaver:
                    leaver.enter("left")
                    honest_push.start("ENTER", "left")
                has(honest_push.next(), status="granted", abandoned=True)
                honest_push.exit("left")
            # Time passes: a time-out, and a lease.
            has(honest_push.enter("held", timeout_ms=50), status="timeout")
            stopped = Push(server.tcp, "stopped", lease_ms=200)
            stopped.enter("leased")
            has(honest_push.enter("leased"), status="granted", abandoned=True)
            honest_push.exit("leased")
            stopped.close()
            honest_push.tell("BYE")
            honest_push.close()
            for each in floods:
                if os.waitpid(each, os.WNOHANG)[0]:
                    raise AssertionError("the flood is over")
        finally:
            for each in floods:
                os.kill(each, 9)
                os.waitpid(each, 0)
        until(lambda: status(server)["sessions"] == 7, "they are forgotten")
        honest.unharmed([peer], "after a flood", uncounted=True)
    test.__name__ = f"test_a_flood_over_{kind}"
    test.uncounted = True
    return options("--max-refused", "1000000000")(test)


test_a_flood_over_tcp = attacked(flooded("tcp"))
test_a_flood_over_ipc = attacked(flooded("ipc"))


@attacked
def test_a_flooder_that_is_held_up_loses_nothing(server, honest, peer):
    """Held up or not, what a connection sends is read, all of it, in order."""
    flooder = Push(server.tcp, "flooder", lease_ms=3600000, patience=60)
    flooder.enter("f")
    flooder.exit("f")
    before = status(server)["ignored"]
    old = encode({"action": "ENTER", "session": flooder.session, "seq": 1, "monitor_name": "f"})
    for _ in range(1500):
        flooder.send(old)
    has(flooder.enter("f"), status="granted")
    same(status(server)["ignored"] - before, 1500, "messages of the flooder")
    flooder.exit("f")
    flooder.tell("BYE")
    flooder.close()
    honest.unharmed([peer], "after a flood without answers")


@attacked
def test_heavy_requests_have_a_share(server, honest, peer):
    """Long messages and STATUS beyond their share are refused with `limit`; light ones never."""
    long = encode({"action": "CHECK", "monitor_name": "held", "token": "1", "x": [0] * 20000})
    codes = set()
    deadline = time.monotonic() + 20
    while "limit" not in codes and time.monotonic() < deadline:
        codes.add(peer.say(long)["code"])
    same(codes, {"stale_token", "limit"}, "the answers to long messages")
    has(peer.say({"action": "CHECK", "monitor_name": "held", "token": honest.tokens[0]}), status="owner")
    until(lambda: peer.say(long)["code"] != "limit", "the share is there again")
    honest.unharmed([peer], "after long messages")


@attacked
def test_a_peer_that_never_reads(server, honest, peer):
    """Its answers pile up, up to a limit; then its connection is ended. Others are served."""
    connection = raw(server, greeting() + ready())
    request = frame(b"", True) + frame(encode({"action": "CHECK", "monitor_name": "held", "token": honest.tokens[0], "ref": "r" * 128}))
    sent = sends_until_ended(connection, request * 100)
    honest.unharmed([peer], f"after {sent} bytes of requests without reading")
    connection.close()


if __name__ == "__main__":
    run(tests_of(sys.modules[__name__]))
