"""Alerts reach a real HTTP server through apprise; what cannot be delivered waits and hurts nobody."""

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

import toy_checkout
from toy_checkout import ToyCheckout, wait_until
from v6.journal import database, events

pytestmark = pytest.mark.integration


class Inbox:
    """A webhook that keeps what it is sent, and refuses it while `status` says so."""

    def __init__(self) -> None:
        self.received: list[dict[str, str]] = []
        self.status = 200
        inbox = self

        class Webhook(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                inbox.received.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                self.send_response(inbox.status)
                self.end_headers()

            def log_message(self, *words: object) -> None:
                """Quiet."""

        self.server = HTTPServer(("127.0.0.1", 0), Webhook)
        self.url = f"json://127.0.0.1:{self.server.server_port}/"


@pytest.fixture
def inbox() -> Iterator[Inbox]:
    box = Inbox()
    thread = threading.Thread(target=box.server.serve_forever, daemon=True)
    thread.start()
    yield box
    box.server.shutdown()
    box.server.server_close()
    thread.join()


def notify(*arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    import os

    command = [sys.executable, "-m", "v6.alerts.notify", *arguments]
    return subprocess.run(
        command, env={**os.environ, **environ}, capture_output=True, text=True, timeout=60, check=False
    )


def put(home: Path, count: int = 1) -> None:
    db = database.connect(home / "var" / "v6.db")
    for number in range(count):
        events.raise_alert(db, severity="failure", title=f"task {number} failed", body="TWS is away", key=str(number))
    db.close()


def undelivered(home: Path) -> list[str]:
    db = database.connect(home / "var" / "v6.db")
    found = [alert.title for alert in events.undelivered(db)]
    db.close()
    return found


def test_an_alert_is_delivered_once(home: Path, inbox: Inbox) -> None:
    put(home)
    for _ in range(2):
        assert notify(V6_ALERT_URLS=inbox.url).returncode == 0
    (message,) = inbox.received
    assert message["title"] == "V6: task 0 failed"
    assert message["message"].startswith("TWS is away\n")
    assert message["type"] == "failure"
    assert undelivered(home) == []


def test_urls_may_stand_in_dotenv(home: Path, inbox: Inbox) -> None:
    (home / ".env").write_text(f"V6_ALERT_URLS={inbox.url}\n")
    put(home)
    notify()
    assert len(inbox.received) == 1


def test_many_alerts_leave_as_one_message(home: Path, inbox: Inbox) -> None:
    put(home, 6)
    notify(V6_ALERT_URLS=inbox.url)
    (message,) = inbox.received
    assert message["title"] == "V6: 6 alerts"
    assert undelivered(home) == []


def test_what_a_service_refuses_waits_for_the_next_time(home: Path, inbox: Inbox) -> None:
    put(home)
    inbox.status = 503
    refused = notify(V6_ALERT_URLS=inbox.url)
    assert refused.returncode == 1
    assert "not delivered" in refused.stderr
    assert undelivered(home) == ["task 0 failed"]
    inbox.status = 200
    notify(V6_ALERT_URLS=inbox.url)
    assert undelivered(home) == []


def test_an_address_that_is_none_is_said_without_showing_it(home: Path) -> None:
    put(home)
    done = notify(V6_ALERT_URLS="nosuchservice://secret-token")
    assert done.returncode == 1
    assert "address 1 of 1 is not an apprise URL" in done.stderr
    assert "secret-token" not in done.stderr.replace("Unsupported URL", "")


def test_without_a_usable_journal_the_alert_still_leaves(home: Path, inbox: Inbox) -> None:
    (home / "var").mkdir()
    (home / "var" / "v6.db").write_text("this is no database, and it is long enough to be seen as none" * 20)
    notify("--alert", "the supervisor failed", "disk full", V6_ALERT_URLS=inbox.url)
    (message,) = inbox.received
    assert message["title"] == "V6: the supervisor failed"
    assert "the journal is unusable" in message["message"]


@pytest.fixture(scope="session")
def toys(tmp_path_factory: pytest.TempPathFactory) -> ToyCheckout:
    return toy_checkout.make(tmp_path_factory.mktemp("toys"))


def test_a_failed_run_is_told_and_so_is_its_recovery(toys: ToyCheckout, tmp_path: Path, inbox: Inbox) -> None:
    site = toys.with_home(tmp_path / "site")
    urls = {"V6_ALERT_URLS": inbox.url}
    assert site.run("toy_fatal", **urls).returncode == 2
    wait_until(lambda: len(inbox.received) == 1)
    assert site.run("toy_fatal", "--do", "succeed", **urls).returncode == 0
    wait_until(lambda: len(inbox.received) == 2)
    assert [message["title"] for message in inbox.received] == ["V6: toy_fatal failed", "V6: toy_fatal works again"]
    assert "wrong configuration" in inbox.received[0]["message"]


def test_an_unreachable_service_never_fails_a_run(toys: ToyCheckout, tmp_path: Path) -> None:
    site = toys.with_home(tmp_path / "site")
    assert site.run("toy_fatal", V6_ALERT_URLS="json://127.0.0.1:9/").returncode == 2
    assert site.run("toy_succeed", V6_ALERT_URLS="json://127.0.0.1:9/").returncode == 0
