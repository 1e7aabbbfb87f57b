"""Two clients of monitor_server, written from PROTOCOL.md alone: Polling (REQ) and Push (DEALER)."""
import json
import time

import zmq


class Refused(Exception):
    """The server answered with an error; `reply` is that answer."""

    def __init__(self, reply):
        super().__init__(f"{reply.get('code')}: {reply.get('message')}")
        self.reply = reply
        self.code = reply.get("code")


class Silent(Exception):
    """No answer came in time."""


def encode(message):
    return json.dumps(message).encode()


def decode(frames):
    if len(frames) != 2 or frames[0] != b"":
        raise ValueError(f"a reply is not a delimiter and one frame: {frames!r}")
    return json.loads(frames[1].decode("utf-8"))


class Link:
    """One socket to the server, which can be closed and opened anew."""

    def __init__(self, endpoint, kind):
        self.endpoint = endpoint
        self.kind = kind
        self.socket = None
        self.open()

    def open(self):
        self.socket = zmq.Context.instance().socket(self.kind)
        self.socket.setsockopt(zmq.LINGER, 0)
        if self.kind == zmq.DEALER:
            # Not for REQ: with it libzmq may drop an answer that came just before a disconnect.
            self.socket.setsockopt(zmq.IMMEDIATE, 1)
        self.socket.connect(self.endpoint)

    def close(self):
        if self.socket is not None:
            self.socket.close()
        self.socket = None

    def reopen(self):
        self.close()
        self.open()

    def receive(self, seconds):
        """The next answer, or None when none came in that time."""
        if not self.socket.poll(int(seconds * 1000)):
            return None
        return self.socket.recv_multipart()

    def do(self, action, monitor=None, condition=None, **fields):
        """As ask, which each style has its own way of, but an error raises Refused."""
        reply = self.ask(action, monitor, condition, **fields)
        if reply["status"] == "error":
            raise Refused(reply)
        return reply

    def exit(self, monitor, **fields):
        return self.do("EXIT", monitor, **fields)

    def signal(self, monitor, condition):
        return self.do("SIGNAL", monitor, condition)["woken_processes"]

    def broadcast(self, monitor, condition):
        return self.do("BROADCAST", monitor, condition)["woken_processes"]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class Polling(Link):
    """Asks until the outcome is there; `interval` is the time between two questions, in seconds."""

    def __init__(self, endpoint, process_id, interval=0.001, patience=20):
        super().__init__(endpoint, zmq.REQ)
        self.process_id = process_id
        self.interval = interval
        self.patience = patience

    def ask(self, action, monitor=None, condition=None, **fields):
        """One request and its answer, errors included."""
        message = {"action": action, "process_id": self.process_id}
        if monitor is not None:
            message["monitor_name"] = monitor
        if condition is not None:
            message["condition_name"] = condition
        message.update(fields)
        return self.exchange(encode(message))

    def exchange(self, body):
        self.socket.send(body)
        if not self.socket.poll(int(self.patience * 1000)):
            raise Silent(f"no answer to {body[:200]!r}")
        return json.loads(self.socket.recv().decode("utf-8"))

    def enter(self, monitor, **fields):
        """Own the monitor, or end as `timeout` or `cancelled`; gives the last answer."""
        reply = self.do("ENTER", monitor, **fields)
        while reply["status"] == "queued":
            time.sleep(self.interval)
            reply = self.do("CHECK_GRANT", monitor)
        return reply

    def wait(self, monitor, condition, **fields):
        """Leave, wait for the condition, and own the monitor again."""
        reply = self.do("WAIT", monitor, condition, **fields)
        while reply["status"] != "granted_after_wait":
            time.sleep(self.interval)
            reply = self.do("CHECK_AWAKENED", monitor, condition)
        return reply

class Push(Link):
    """Sends a request once and is told its outcome; beats while it waits for one."""

    def __init__(self, endpoint, process_id, lease_ms=5000, patience=20, hello=True, **fields):
        super().__init__(endpoint, zmq.DEALER)
        self.process_id = process_id
        self.lease_ms = lease_ms
        self.patience = patience
        self.session = None
        self.seq = 0
        self.last_body = None
        self.last_sent = 0.0
        self.welcome = None
        if hello:
            self.hello(lease_ms=lease_ms, **fields)

    def send(self, message):
        """Send a message as it is; gives its bytes."""
        body = message if isinstance(message, bytes) else encode(message)
        self.socket.send_multipart([b"", body])
        self.last_sent = time.monotonic()
        return body

    def listen(self, seconds):
        """The next answer but for those to beats, or None."""
        deadline = time.monotonic() + seconds
        while True:
            left = deadline - time.monotonic()
            due = self.last_sent + self.lease_ms / 3000 - time.monotonic()
            if self.session is None:
                due = left
            elif due <= 0:
                self.beat()
                continue
            frames = self.receive(max(0.0, min(left, due)))
            if frames is not None:
                reply = decode(frames)
                if reply.get("ref") != "beat":
                    return reply
            elif time.monotonic() >= deadline:
                return None

    def next(self):
        reply = self.listen(self.patience)
        if reply is None:
            raise Silent(f"{self.process_id} heard nothing; last sent {self.last_body!r}")
        return reply

    def tell(self, action, **fields):
        """A message outside the sequence, and the next answer."""
        self.send({"action": action, "session": self.session, **fields})
        return self.next()

    def hello(self, **fields):
        message = {"action": "HELLO", "protocol": 2, "process_id": self.process_id}
        message.update(fields)
        self.send(message)
        reply = self.next()
        if reply["status"] != "welcome":
            raise Refused(reply)
        self.welcome = reply
        self.session = reply["session"]
        self.lease_ms = reply["lease_ms"]
        return reply

    def resume(self):
        """Go on with the session, on a new connection; a pending request is repeated."""
        self.reopen()
        return self.hello(session=self.session, lease_ms=self.lease_ms)

    def beat(self):
        self.send({"action": "BEAT", "session": self.session, "ref": "beat"})

    def start(self, action, monitor, condition=None, **fields):
        """Send the next request of the sequence without waiting for its answer; gives its number."""
        self.seq += 1
        message = {"action": action, "session": self.session, "seq": self.seq, "monitor_name": monitor}
        if condition is not None:
            message["condition_name"] = condition
        message.update(fields)
        self.last_body = self.send(message)
        return self.seq

    def repeat(self):
        """Send the last request of the sequence again, byte for byte."""
        self.send(self.last_body)

    def ask(self, action, monitor, condition=None, **fields):
        self.start(action, monitor, condition, **fields)
        return self.next()

    def enter(self, monitor, **fields):
        return self.do("ENTER", monitor, **fields)

    def wait(self, monitor, condition, **fields):
        return self.do("WAIT", monitor, condition, **fields)

    def exit(self, monitor, **fields):
        """Leave; with reply=False there is no answer to wait for."""
        if fields.get("reply") is False:
            self.start("EXIT", monitor, **fields)
            return None
        return super().exit(monitor, **fields)
