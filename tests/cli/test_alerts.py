"""`v6 alerts`: what people were told, what waits, and whether a message arrives."""

from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from typer.testing import Result

from receiver import listening
from v6.journal import database, deliveries, events


def put(home: Path, *titles: str) -> None:
    db = database.connect(home / "var" / "v6.db")
    for title in titles:
        events.raise_alert(db, severity="failure", title=title, body="TWS is away", key=f"failed:{title}:time_limit")
    events.mark_delivered(db, 1)
    db.close()


def test_before_the_first_alert_there_is_none(v6: Callable[..., Result], home: Path) -> None:
    assert v6("alerts", "list").output == "no alert in the journal\n"
    assert not (home / "var" / "v6.db").exists()
    assert "there is no alert 7, allowed: an id of `v6 alerts list`" in v6("alerts", "show", "7", code=2).output


def test_the_list_says_what_was_delivered(v6: Callable[..., Result], answer: Callable[..., Any], home: Path) -> None:
    put(home, "one", "two")
    lines = v6("alerts", "list").output.splitlines()
    assert [line.split()[-1] for line in lines[1:]] == ["two", "one"]
    assert "waits" in lines[1]
    assert [alert["title"] for alert in answer("alerts", "list", "--waiting")] == ["two"]


def test_one_is_shown_with_what_it_means_and_what_to_do(v6: Callable[..., Result], home: Path) -> None:
    put(home, "one")
    shown = v6("alerts", "show", "1").output
    assert shown.startswith("V6: one  (failure, 20")
    assert "What to do: it was ended at its time limit: `v6 runs --task one`" in shown
    assert "What it means: A run has failed for good" in shown


def test_what_left_is_listed_messages_and_pings(
    v6: Callable[..., Result], answer: Callable[..., Any], home: Path
) -> None:
    assert v6("alerts", "deliveries").output == "nothing was ever sent\n"
    with closing(database.connect(home / "var" / "v6.db")) as db:
        deliveries.record(db, deliveries.ALERT, "V6: a test")
        deliveries.record(db, deliveries.HEARTBEAT, "health_check success", error="HTTP 404")
    assert [(one["channel"], one["error"]) for one in answer("alerts", "deliveries")] == [
        ("heartbeat", "HTTP 404"),
        ("alert", ""),
    ]
    assert "no: HTTP 404  health_check success" in v6("alerts", "deliveries").output


def test_a_heartbeat_of_no_task_is_refused_with_the_known_ones(v6: Callable[..., Result]) -> None:
    refused = v6("alerts", "test", "--heartbeat", "nonsense", code=2).output
    assert "'nonsense' is no task of the schedule, allowed: queue_option_contracts" in refused


def test_without_an_address_a_test_is_refused(v6: Callable[..., Result]) -> None:
    assert "V6_ALERT_URLS is not set, allowed: apprise URLs in" in v6("alerts", "test", code=2).output


@pytest.mark.integration
def test_a_heartbeat_can_be_tried(v6: Callable[..., Result], home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    refused = v6("alerts", "test", "--heartbeat", "pre_restart", code=2).output
    assert "pre_restart has no address, allowed: V6_HEARTBEAT_URL_PRE_RESTART, or V6_HEARTBEAT_URL for" in refused
    with listening() as receiver:
        monkeypatch.setenv("V6_HEARTBEAT_URL", f"http://{receiver.place}/key/{{task}}")
        assert v6("alerts", "test", "--heartbeat", "health_check").output == "health_check: taken\n"
        assert receiver.paths == ["/key/health_check"]
        receiver.status = 404
        v6("alerts", "test", "--heartbeat", "health_check", code=1)


@pytest.mark.integration
@pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")  # apprise imports it
def test_a_test_says_of_each_address_whether_it_takes_a_message(
    v6: Callable[..., Result], home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with listening() as receiver:
        (home / ".env").write_text(f"V6_ALERT_URLS={receiver.alert_url}\n")
        assert v6("alerts", "test").output == "V6_ALERT_URLS: address 1 of 1 (json): taken\n"
        assert receiver.titles == ["V6: a test"]
        monkeypatch.setenv("V6_ALERT_URLS", f"{receiver.alert_url} json://127.0.0.1:9/hidden-token")
        second = v6("alerts", "test", code=1).output.splitlines()[1]
    assert second.startswith("V6_ALERT_URLS: address 2 of 2 (json): ")
    assert "hidden-token" not in second
    db = database.connect(home / "var" / "v6.db")
    assert [one.error == "" for one in deliveries.recent(db, deliveries.ALERT)] == [False, True, True]
    db.close()
