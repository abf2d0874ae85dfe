"""Somebody who is told things: a real HTTP server that keeps what it is sent, refuses it, or says nothing at all."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple


class Request(NamedTuple):
    path: str
    body: str


class Receiver:
    """`status` is what it answers; while `silent` is set it takes a request and answers nothing."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.status = 200
        self.silent = threading.Event()
        self.speak = threading.Event()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
                receiver.requests.append(Request(self.path, body))
                if receiver.silent.is_set():
                    receiver.speak.wait(60)
                try:
                    self.send_response(receiver.status)
                    self.send_header("Content-Length", "0")
                    self.end_headers()
                except OSError:
                    """The other side has given up."""

            def log_message(self, *words: object) -> None:
                """Quiet."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.server.block_on_close = False

    @property
    def place(self) -> str:
        return f"127.0.0.1:{self.server.server_port}"

    @property
    def alert_url(self) -> str:
        """As apprise writes it."""
        return f"json://{self.place}/"

    @property
    def messages(self) -> list[dict[str, str]]:
        """Alerts that came through apprise's JSON."""
        return [json.loads(request.body) for request in self.requests]

    @property
    def titles(self) -> list[str]:
        return [message["title"] for message in self.messages]

    @property
    def paths(self) -> list[str]:
        """What was pinged, without the queries."""
        return [request.path.partition("?")[0] for request in self.requests]


@contextmanager
def listening() -> Iterator[Receiver]:
    receiver = Receiver()
    thread = threading.Thread(target=receiver.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        receiver.speak.set()
        receiver.server.shutdown()
        receiver.server.server_close()
        thread.join()
