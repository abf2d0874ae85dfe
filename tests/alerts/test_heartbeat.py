"""A dead man's switch hears of every run and every planned skip; its address is in no log, and it hurts no run."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import toy_checkout
from receiver import Receiver, listening
from toy_checkout import ToyCheckout, wait_until
from v6.alerts.heartbeat import target
from v6.journal import database, deliveries, runs

pytestmark = pytest.mark.integration

SECRET = "0f3c-secret-9d2e"


@pytest.fixture(scope="session")
def toys(tmp_path_factory: pytest.TempPathFactory) -> ToyCheckout:
    return toy_checkout.make(tmp_path_factory.mktemp("toys"))


@pytest.fixture
def site(toys: ToyCheckout, tmp_path: Path) -> ToyCheckout:
    return toys.with_home(tmp_path / "site")


@pytest.fixture
def switch() -> Iterator[Receiver]:
    with listening() as receiver:
        yield receiver


def url(switch: Receiver) -> str:
    return f"http://{switch.place}/{SECRET}"


def pings(site: ToyCheckout) -> list[deliveries.Delivery]:
    db = site.journal()
    try:
        return deliveries.recent(db, deliveries.HEARTBEAT)[::-1]
    finally:
        db.close()


def ping(home: Path, *words: str, **environ: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-S", "-m", "v6.alerts.heartbeat", *words]
    environ = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2] / "src"), **environ}
    return subprocess.run(command, env=environ, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize(
    ("address", "what", "wanted"),
    [
        ("https://hc-ping.com/uuid", "start", "https://hc-ping.com/uuid/start?rid=r"),
        ("https://hc-ping.com/uuid", "0", "https://hc-ping.com/uuid?rid=r"),
        ("https://hc-ping.com/uuid/", "124", "https://hc-ping.com/uuid/124?rid=r"),
        ("https://hc-ping.com/uuid", "skip", "https://hc-ping.com/uuid?rid=r"),
        ("https://status/api/push?token=a", "2", "https://status/api/push/2?token=a&rid=r"),
    ],
)
def test_what_is_said_is_in_the_path(address: str, what: str, wanted: str) -> None:
    assert target(address, what, "r") == wanted


def test_a_run_says_that_it_begins_and_how_it_ended(site: ToyCheckout, switch: Receiver) -> None:
    assert site.run("toy_succeed", V6_HEARTBEAT_URL_TOY_SUCCEED=url(switch)).returncode == 0
    wait_until(lambda: f"/{SECRET}" in switch.paths and len(pings(site)) == len(switch.requests))
    assert site.run("toy_fatal", V6_HEARTBEAT_URL_TOY_FATAL=url(switch)).returncode == 2
    wait_until(lambda: f"/{SECRET}/2" in switch.paths and len(pings(site)) == len(switch.requests))
    ends = [request for request in switch.requests if "/start" not in request.path]
    assert [request.path.partition("?")[0] for request in ends] == [f"/{SECRET}", f"/{SECRET}/2"]
    assert ends[1].body == "fatal: wrong configuration"
    said = [one.what for one in pings(site) if " start" not in one.what]
    assert said == ["toy_succeed exit 0 success: did succeed", "toy_fatal exit 2 fatal: wrong configuration"]
    everything = "".join(path.read_text() for path in (site.home / "logs").rglob("*.log"))
    assert SECRET not in everything + "".join(map(str, pings(site)))


def test_start_and_end_of_a_run_share_its_number(site: ToyCheckout, switch: Receiver) -> None:
    supervisor = site.start("toy_sleep", "--do", "sleep", "--seconds", "30", V6_HEARTBEAT_URL_TOY_SLEEP=url(switch))
    wait_until(lambda: switch.paths == [f"/{SECRET}/start"])
    supervisor.terminate()
    supervisor.communicate(timeout=30)
    wait_until(lambda: switch.paths == [f"/{SECRET}/start", f"/{SECRET}/143"])
    first, last = [request.path.partition("?rid=")[2] for request in switch.requests]
    assert first == last
    assert re.fullmatch(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}", first)


def test_the_common_address_is_for_those_that_are_listed(site: ToyCheckout, switch: Receiver) -> None:
    common = {"V6_HEARTBEAT_URL": f"http://{switch.place}/key/{{task}}"}
    assert ping(site.home, "toy_succeed", "0", "0", "", V6_HOME=str(site.home), **common).returncode == 0
    assert switch.requests == []
    assert ping(site.home, "health_check", "0", "0", "", V6_HOME=str(site.home), **common).returncode == 0
    assert switch.paths == ["/key/health_check"]


def test_a_planned_skip_is_no_silence(site: ToyCheckout, switch: Receiver) -> None:
    """On Thanksgiving the gate says so to who waits for the task's word."""
    with (site.home / ".env").open("w") as file:
        file.write(f"V6_HEARTBEAT_URL_SCHEDULE_935_ET={url(switch)}\n")
    site.compile()
    holiday = {"V6_CLOCK_OFFSET": offset("2026-11-26 09:35:30")}
    between = {"V6_CLOCK_OFFSET": offset("2026-11-27 10:44:30")}
    job = "scripts/schedule_935_et.py"
    assert site.gate("--slot", job, **between).returncode == 0
    assert site.gate("--slot", "--explain", job, **holiday).stdout.splitlines()[-1] == "skip holiday"
    assert site.gate("--slot", "scripts/collect_futures_snapshots.py", **holiday).returncode == 0
    assert site.gate("--slot", job, **holiday).returncode == 0
    wait_until(lambda: switch.requests)
    (request,) = switch.requests
    assert (request.path, request.body) == (f"/{SECRET}", "holiday: Thanksgiving")
    wait_until(lambda: pings(site))
    assert pings(site)[0].what == "schedule_935_et skip holiday: Thanksgiving"
    assert SECRET not in (site.home / "var" / "compiled" / "schedule.txt").read_text()
    assert SECRET not in "".join(path.read_text() for path in (site.home / "var" / "compiled" / "gate").iterdir())


def test_the_gate_finds_an_address_in_its_environment_too(site: ToyCheckout, switch: Receiver) -> None:
    environ = {"V6_HEARTBEAT_URL_TOY_PHASE": url(switch), "V6_CLOCK_OFFSET": offset("2026-11-26 10:35:30")}
    environ["V6_HEARTBEAT_URL_COLLECT_FUTURES_SNAPSHOTS"] = url(switch)
    assert site.gate("--slot", "scripts/collect_futures_snapshots.py", **environ).returncode == 0
    wait_until(lambda: switch.requests)
    assert switch.paths == [f"/{SECRET}"]


def test_a_dead_or_slow_receiver_is_recorded_and_fails_no_run(site: ToyCheckout, switch: Receiver) -> None:
    dead = {"V6_HEARTBEAT_URL_TOY_SUCCEED": f"http://127.0.0.1:9/{SECRET}"}
    assert site.run("toy_succeed", **dead).returncode == 0
    switch.silent.set()
    slow = site.run("toy_succeed", V6_HEARTBEAT_URL_TOY_SUCCEED=url(switch))
    assert slow.returncode == 0  # and it has ended, while nobody has answered yet
    assert not switch.speak.is_set()
    wait_until(lambda: any(one.error for one in pings(site)), 60)
    assert {one.error for one in pings(site)} == {"Connection refused"}
    assert SECRET not in (site.home / "logs" / "scheduler" / "alerts.log").read_text()


def test_a_start_that_comes_after_the_end_is_not_said(site: ToyCheckout, switch: Receiver) -> None:
    """The service would take it for another run, and wait for that one's end."""
    db = site.journal()
    run = runs.start_attempt(db, task="toy_succeed", slot=None, attempt=1, pid=None, log_file="")
    runs.finish_attempt(db, run, runs.Ended("success", 0, 1.0, 1.0, 1.0))
    db.close()
    environ = {"V6_HEARTBEAT_URL_TOY_SUCCEED": url(switch), "V6_HOME": str(site.home)}
    assert ping(site.home, "toy_succeed", "start", str(run), "", **environ).returncode == 0
    assert switch.requests == []


def test_the_word_leaves_although_the_journal_is_broken(home: Path, switch: Receiver) -> None:
    (home / "var").mkdir()
    (home / "var" / "v6.db").write_text("no database at all, and long enough to be seen as none" * 20)
    done = ping(home, "health_check", "0", "7", "fine", V6_HEARTBEAT_URL_HEALTH_CHECK=url(switch))
    assert switch.paths == [f"/{SECRET}"]
    assert "the journal is unusable" in done.stderr
    assert SECRET not in done.stderr


@pytest.mark.parametrize("address", ["ftp://host/x", "http://[broken/x", "no address"])
def test_an_address_that_is_none_is_said_without_showing_it(home: Path, address: str) -> None:
    done = ping(home, "health_check", "start", "0", "", V6_HEARTBEAT_URL_HEALTH_CHECK=f"{address}{SECRET}")
    assert done.returncode == 1
    assert SECRET not in done.stderr
    db = database.connect(home / "var" / "v6.db")
    (told,) = deliveries.recent(db, deliveries.HEARTBEAT)
    db.close()
    assert told.error
    assert SECRET not in told.error


def offset(text: str) -> str:
    import time
    from datetime import datetime

    from v6.clock import NEW_YORK

    return f"{datetime.fromisoformat(text).replace(tzinfo=NEW_YORK).timestamp() - time.time():.3f}"
