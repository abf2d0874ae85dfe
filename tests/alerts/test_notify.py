"""Alerts reach a real HTTP server through apprise; what cannot be delivered waits and hurts nobody."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path

import pytest

import toy_checkout
from receiver import Receiver, listening
from toy_checkout import ToyCheckout, wait_until
from v6 import clock
from v6.clock import NEW_YORK
from v6.journal import database, deliveries, events, turns
from v6.paths import Paths
from v6.runner import notices
from v6.scheduler.compile import compile_all

pytestmark = pytest.mark.integration


@pytest.fixture
def inbox() -> Iterator[Receiver]:
    with listening() as receiver:
        yield receiver


def notify(*arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
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


def test_an_alert_is_delivered_once(home: Path, inbox: Receiver) -> None:
    put(home)
    for _ in range(2):
        assert notify(V6_ALERT_URLS=inbox.alert_url).returncode == 0
    (message,) = inbox.messages
    assert message["title"] == "V6: task 0 failed"
    assert message["message"].startswith("TWS is away\n")
    assert message["type"] == "failure"
    assert undelivered(home) == []


def test_urls_may_stand_in_dotenv(home: Path, inbox: Receiver) -> None:
    (home / ".env").write_text(f"V6_ALERT_URLS={inbox.alert_url}\n")
    put(home)
    notify()
    assert len(inbox.requests) == 1


def test_many_alerts_leave_as_one_message(home: Path, inbox: Receiver) -> None:
    put(home, 6)
    notify(V6_ALERT_URLS=inbox.alert_url)
    (message,) = inbox.messages
    assert message["title"] == "V6: 6 alerts, 6 failures"
    assert undelivered(home) == []


def test_what_a_service_refuses_waits_for_the_next_time(home: Path, inbox: Receiver) -> None:
    put(home)
    inbox.status = 503
    refused = notify(V6_ALERT_URLS=inbox.alert_url)
    assert refused.returncode == 1
    assert "not delivered" in refused.stderr
    assert undelivered(home) == ["task 0 failed"]
    inbox.status = 200
    notify(V6_ALERT_URLS=inbox.alert_url)
    assert undelivered(home) == []


def test_what_nobody_took_is_tried_again_after_the_next_health_check_only(
    home: Path, inbox: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("V6_ALERT_URLS", inbox.alert_url)
    put(home)
    with closing(database.connect(home / "var" / "v6.db")) as db:
        events.mark_failed(db, events.latest_alert(db), "the service was away")
        turns.after(db, turns.METRICS, 3600)
        assert notices.deliver(db, str(home), str(home / "logs"), "scripts/cleanup_old_data.py") is None
        dispatcher = notices.deliver(db, str(home), str(home / "logs"), "scripts/health_check.py")
    assert dispatcher is not None
    os.waitpid(dispatcher, 0)
    assert inbox.titles == ["V6: task 0 failed"]
    assert undelivered(home) == []


def test_an_address_that_is_none_is_said_without_showing_it(home: Path) -> None:
    put(home)
    done = notify(V6_ALERT_URLS="nosuchservice://secret-token")
    assert done.returncode == 1
    assert "address 1 of 1 (nosuchservice) is not an apprise URL" in done.stderr
    assert "secret-token" not in done.stderr.replace("Unsupported URL", "")


def test_without_a_usable_journal_the_alert_still_leaves_once_an_hour(home: Path, inbox: Receiver) -> None:
    (home / "var").mkdir()
    (home / "var" / "v6.db").write_text("this is no database, and it is long enough to be seen as none" * 20)
    for _ in range(2):
        notify("--alert", "the supervisor failed", "disk full", V6_ALERT_URLS=inbox.alert_url)
    (message,) = inbox.messages
    assert message["title"] == "V6: the supervisor failed"
    assert "the journal is unusable" in message["message"]
    notify("--alert", "the supervisor failed", "disk full", V6_ALERT_URLS=inbox.alert_url, V6_CLOCK_OFFSET="3700")
    assert len(inbox.requests) == 2


def test_one_dead_address_does_not_keep_the_other_from_its_message(home: Path, inbox: Receiver) -> None:
    put(home)
    with listening() as refusing:
        refusing.status = 503
        done = notify(V6_ALERT_URLS=f"json://user:hunter22@127.0.0.1:9/ {inbox.alert_url} {refusing.alert_url}")
    assert done.returncode == 0, done.stderr
    assert inbox.titles == ["V6: task 0 failed"]
    assert len(refusing.requests) == 1
    assert undelivered(home) == []
    db = database.connect(home / "var" / "v6.db")
    told = deliveries.since(db, deliveries.ALERT, clock.now() - timedelta(hours=1))
    db.close()
    assert [(one.alerts, one.error == "") for one in told] == [(1, True), (0, False), (0, False)]
    assert told[1].error.startswith("V6_ALERT_URLS: address 1 of 3 (json): ")
    assert "hunter22" not in "".join(one.error for one in told)


def test_a_dispatcher_that_is_stuck_holds_up_no_other_and_takes_their_alerts_along(home: Path, inbox: Receiver) -> None:
    inbox.silent.set()
    put(home)
    first = subprocess.Popen(
        [sys.executable, "-m", "v6.alerts.notify"], env={**os.environ, "V6_ALERT_URLS": inbox.alert_url}
    )
    wait_until(lambda: inbox.requests)
    put(home, 3)
    assert notify(V6_ALERT_URLS=inbox.alert_url).returncode == 0  # at once: it leaves them to the first
    assert len(inbox.requests) == 1
    inbox.silent.clear()
    inbox.speak.set()
    assert first.wait(60) == 0
    assert undelivered(home) == []


def test_dispatchers_of_a_storm_send_one_message(home: Path, inbox: Receiver) -> None:
    storm = [
        subprocess.Popen(
            [sys.executable, "-m", "v6.alerts.notify", "--alert", f"task {number} failed", "TWS is away"],
            env={**os.environ, "V6_ALERT_URLS": inbox.alert_url},
        )
        for number in range(6)
    ]
    assert [process.wait(60) for process in storm] == [0] * 6
    assert inbox.titles == ["V6: 6 alerts, 6 failures"]


def test_quiet_hours_of_the_configuration_hold_what_it_names(home: Path, inbox: Receiver) -> None:
    (home / "config").mkdir()
    (home / "config" / "production.yaml").write_text(
        'alerts: {quiet_hours: {start: "22:00", end: "07:00", severities: [info, failure]}}\n'
    )
    assert compile_all(Paths.locate()).error == ""
    night = datetime(2026, 11, 27, 23, 0, tzinfo=NEW_YORK).timestamp() - time.time()
    put(home)
    assert notify(V6_ALERT_URLS=inbox.alert_url, V6_CLOCK_OFFSET=str(night)).returncode == 0
    assert inbox.requests == []
    assert notify(V6_ALERT_URLS=inbox.alert_url, V6_CLOCK_OFFSET=str(night + 8 * 3600)).returncode == 0
    assert inbox.titles == ["V6: task 0 failed"]


@pytest.fixture(scope="session")
def toys(tmp_path_factory: pytest.TempPathFactory) -> ToyCheckout:
    return toy_checkout.make(tmp_path_factory.mktemp("toys"))


def test_a_failed_run_is_told_and_so_is_its_recovery(toys: ToyCheckout, tmp_path: Path, inbox: Receiver) -> None:
    site = toys.with_home(tmp_path / "site")
    urls = {"V6_ALERT_URLS": inbox.alert_url}
    assert site.run("toy_fatal", **urls).returncode == 2
    wait_until(lambda: len(inbox.requests) == 1)
    assert site.run("toy_fatal", "--do", "succeed", **urls).returncode == 0
    wait_until(lambda: len(inbox.requests) == 2)
    assert inbox.titles == ["V6: toy_fatal failed", "V6: toy_fatal works again"]
    assert "wrong configuration" in inbox.messages[0]["message"]
    assert "its first run here" in inbox.messages[0]["message"]


def test_an_unreachable_service_never_fails_a_run(toys: ToyCheckout, tmp_path: Path) -> None:
    site = toys.with_home(tmp_path / "site")
    assert site.run("toy_fatal", V6_ALERT_URLS="json://127.0.0.1:9/").returncode == 2
    assert site.run("toy_succeed", V6_ALERT_URLS="json://127.0.0.1:9/").returncode == 0
