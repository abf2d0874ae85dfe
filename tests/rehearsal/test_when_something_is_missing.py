"""A rehearsal in which TWS fails says what is missing and why, sends an alert, and ends with exit code 1."""

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from .conftest import Rehearsed

pytestmark = pytest.mark.integration

Rehearse = Callable[..., Rehearsed]
Site = Callable[..., Path]


class Receiver:
    """A person's phone: an HTTP server that apprise's json:// posts to."""

    def __init__(self) -> None:
        self.received: list[dict[str, Any]] = []
        received = self.received

        class Post(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                received.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Post)
        self.thread = threading.Thread(target=self.server.serve_forever)
        self.url = f"json://127.0.0.1:{self.server.server_port}"


@pytest.fixture
def phone() -> Iterator[Receiver]:
    receiver = Receiver()
    receiver.thread.start()
    yield receiver
    receiver.server.shutdown()
    receiver.thread.join()
    receiver.server.server_close()


def test_without_a_subscription_nothing_is_complete_and_every_miss_has_its_reason(
    rehearse: Rehearse, site: Site, phone: Receiver
) -> None:
    tasks = ("queue_option_contracts", "collect_option_snapshots", "collect_futures_snapshots")

    day = rehearse(
        "2026-11-20", "--from", "08:00", "--to", "09:30", "--scenario", "no_subscription",
        "--config", site(*tasks), "--alerts", phone.url,
    )  # fmt: skip

    assert day.code == 1, day.trouble
    assert [slot["complete"] for slot in day.said["slots"]] == [0, 0]
    assert [slot["reasons"] for slot in day.said["slots"]] == [
        {"no_subscription": slot["expected"]} for slot in day.said["slots"]
    ]
    assert {one["task"] for one in day.said["not_done"]} == set(tasks[1:])
    assert all(delivered for _, delivered in day.said["alerts"])
    told = " ".join(f"{message['title']} {message['message']}" for message in phone.received)
    assert "collect_option_snapshots failed" in told
    assert "collect_futures_snapshots failed" in told


def test_allow_missing_makes_it_exit_code_0(rehearse: Rehearse, site: Site) -> None:
    day = rehearse(
        "2026-11-20", "--from", "09:30", "--to", "09:30", "--scenario", "no_subscription", "--allow-missing",
        "--config", site("collect_futures_snapshots"),
    )  # fmt: skip

    assert day.code == 0, day.errors
    assert day.said["whole"] is False


def test_a_collector_without_a_universe_is_not_called_complete(rehearse: Rehearse, site: Site) -> None:
    day = rehearse("2026-11-20", "--from", "10:00", "--to", "10:00", "--config", site("collect_option_snapshots"))

    assert day.code == 1, day.errors
    assert day.verdicts("collect_option_snapshots") == {"10:00": "missing"}
    assert day.said["misses"] == {"no_universe": 1}


@pytest.mark.parametrize("window", [("03:01", "03:02"), ("16:01", "16:02")])
def test_where_nothing_is_due_nothing_was_rehearsed(rehearse: Rehearse, site: Site, window: tuple[str, str]) -> None:
    span = ("--from", window[0], "--to", window[1])

    night = rehearse(
        "2026-11-20", *span, "--allow-missing", "--config", site("validate_ib_connection"), in_words=True
    )  # fmt: skip

    assert night.code == 1, night.errors
    assert "nothing was due in this window" in night.words
    assert "everything expected is there" not in night.words
