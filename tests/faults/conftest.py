"""A site on a disk of its own, which a test can fill, or make read-only; and a place where alerts arrive."""

import json
import os
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

import toy_checkout
from toy_checkout import ToyCheckout

SIZE = "4m"
PERIOD = 300


@dataclass
class Site:
    """Toys with a home on a small file system. Every call of `run` is in a slot of its own, five minutes later."""

    toys: ToyCheckout
    alerts: list[dict[str, str]]
    url: str
    pings: list[tuple[str, str]]
    """(path, body) of what arrived there and is no alert."""
    _slots: int = 0

    @property
    def home(self) -> Path:
        return self.toys.home

    def next_slot(self) -> dict[str, str]:
        """The clock of the next slot, two seconds after its beginning."""
        self._slots += 1
        now = time.time()
        return {"V6_CLOCK_OFFSET": f"{(now // PERIOD + self._slots) * PERIOD + 2 - now:.0f}"}

    def run(self, do: str = "succeed", **environ: str) -> "subprocess.CompletedProcess[str]":
        """As cron does it, in the next slot."""
        clock = self.next_slot()
        return self.toys.gate("--slot", "scripts/toy.py", "--do", do, **{**clock, "V6_ALERT_URLS": self.url, **environ})

    def outcomes(self, do: str = "succeed") -> list[str | None]:
        return [run.outcome for run in self.toys.runs_of(f"toy_{do}")]

    def fill(self) -> None:
        descriptor = os.open(self.home / "filler", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        try:
            while True:
                os.write(descriptor, bytes(4096))
        except OSError:
            os.close(descriptor)

    def make_room(self) -> None:
        (self.home / "filler").unlink()

    def remount(self, how: str) -> None:
        subprocess.run(["mount", "-o", f"remount,{how}", str(self.home)], check=True)

    def told(self) -> list[str]:
        """Titles and first lines of the alerts that have arrived."""
        return [f"{alert['title']}: {alert['message'].splitlines()[0]}" for alert in self.alerts]


@pytest.fixture(scope="session")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> ToyCheckout:
    return toy_checkout.make(tmp_path_factory.mktemp("faults"))


@pytest.fixture
def site(checkout: ToyCheckout, tmp_path: Path) -> Iterator[Site]:
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={SIZE},mode=700", "tmpfs", str(disk)],
        capture_output=True,
        text=True,
        check=False,
    )
    if mounted.returncode != 0:
        pytest.skip(f"a disk to fill needs a mount, which only root can make: {mounted.stderr.strip()}")
    alerts: list[dict[str, str]] = []
    pings: list[tuple[str, str]] = []

    class Inbox(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            if self.path == "/":
                alerts.append(json.loads(body))
            else:
                pings.append((self.path, body))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *words: object) -> None:
            """Quiet."""

    server = HTTPServer(("127.0.0.1", 0), Inbox)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield Site(checkout.with_home(disk), alerts, f"json://127.0.0.1:{server.server_port}/", pings)
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
        with suppress(subprocess.CalledProcessError):
            subprocess.run(["umount", "-l", str(disk)], check=True)
