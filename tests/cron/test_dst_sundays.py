"""Both Sundays of 2026 on which New York's clocks change, minute by minute: what Debian's cron starts (the model of
debian_cron.py, held to the daemon in test_firing.py) goes through the real gate; its supervisor only notes the slot."""

import subprocess
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import yaml

import toy_checkout
from debian_cron import firings, spells
from toy_checkout import ToyCheckout
from v6 import clock
from v6.clock import NEW_YORK
from v6.journal import evidence
from v6.paths import Paths
from v6.rehearsal.stage import Quoted
from v6.scheduler import compiled, crontab

pytestmark = pytest.mark.integration

TOYS = {
    "toy_one_thirty": {"frequency": "daily", "time": "01:30"},
    "toy_two_thirty": {"frequency": "daily", "time": "02:30"},
    "toy_hourly": {"frequency": "hourly", "minute": 45},
}
QUARTERS = {"2026-03-08": 23 * 4, "2026-11-01": 25 * 4}
ONCE = {  # the first moment at which the clocks show the time or have passed it
    "2026-03-08": {"toy_one_thirty": "2026-03-08T01:30-05:00", "toy_two_thirty": "2026-03-08T03:00-04:00"},
    "2026-11-01": {"toy_one_thirty": "2026-11-01T01:30-04:00", "toy_two_thirty": "2026-11-01T02:30-05:00"},
}
STUB = '#!/bin/bash\nprintf "%s %s\\n" "${4-}" "${V6_SLOT-}" >>"$V6_HOME/started"\n'


@pytest.fixture(scope="module")
def sunday_schedule(tmp_path_factory: pytest.TempPathFactory) -> ToyCheckout:
    """The defaults, and toys in the hours that are skipped and repeated."""
    toys = {
        name: {
            "script": "scripts/toy.py",
            "args": ["--seconds", str(number)],
            "description": "A toy",
            "days": "every",
            "timeout_seconds": 30,
            **when,
        }
        for number, (name, when) in enumerate(TOYS.items())
    }
    configuration = yaml.dump({"scheduler": {"tasks": toys}}, Dumper=Quoted)
    checkout = toy_checkout.make(tmp_path_factory.mktemp("dst"), configuration=configuration)
    stub = checkout.home / "python"
    stub.write_text(STUB)
    stub.chmod(0o755)
    return checkout


def started_by_cron(schedule: compiled.Schedule, zone: str, start: datetime) -> Iterator[tuple[int, compiled.Task]]:
    """(minute since 1970, task) of all that cron starts on that New York day, as often as it does."""
    first = int(start.timestamp()) // 60
    end = int((start + timedelta(days=1)).timestamp()) // 60
    host = spells(zone, first - 600, end + 60)
    found = [
        (minute, task)
        for task in schedule.tasks.values()
        for line in crontab.lines_of(task, schedule.windows, zone)
        for minute in firings(line.fields(), host)
        if first <= minute < end
    ]
    yield from sorted(found, key=lambda one: one[0])


def played(site: ToyCheckout, zone: str, start: datetime) -> tuple[Counter[tuple[str, int]], int]:
    """(task, slot) -> how often it was run; how often the gate was called."""
    schedule = compiled.load(site.home / "var" / "compiled" / "schedule.txt")
    calls = 0
    for minute, task in started_by_cron(schedule, zone, start):
        calls += 1
        offset = f"{minute * 60 + 1 - clock.epoch():.3f}"
        command = [str(site.wrapper), "--slot", task.script, *task.args]
        environ = site.environ(V6_CLOCK_OFFSET=offset, V6_PYTHON=str(site.home / "python"))
        done = subprocess.run(command, env=environ, cwd="/", capture_output=True, text=True, timeout=60, check=False)
        assert (done.returncode, done.stderr) == (0, ""), (task.name, minute)
    lines = (site.home / "started").read_text().splitlines()
    return Counter((task, int(slot)) for task, slot in (line.split() for line in lines)), calls


@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    ("zone", "day"),
    [
        ("America/New_York", "2026-03-08"),
        ("America/New_York", "2026-11-01"),
        pytest.param("Asia/Tokyo", "2026-03-08", marks=pytest.mark.soak),
        pytest.param("Asia/Tokyo", "2026-11-01", marks=pytest.mark.soak),
        pytest.param("Europe/London", "2026-03-08", marks=pytest.mark.soak),
        pytest.param("Europe/London", "2026-11-01", marks=pytest.mark.soak),
    ],
)
def test_l07_l08_every_slot_of_a_dst_sunday_runs_exactly_once(
    sunday_schedule: ToyCheckout, tmp_path: Path, zone: str, day: str
) -> None:
    site = sunday_schedule.with_home(tmp_path / "site")
    (site.home / "python").symlink_to(sunday_schedule.home / "python")
    start = datetime.fromisoformat(day).replace(tzinfo=NEW_YORK)
    runs, calls = played(site, zone, start)
    expected = evidence.expected_runs(Paths(site.root, site.home), {}, start, start + timedelta(days=1))
    assert runs == Counter((task, int(slot.timestamp())) for task, slot in expected)
    assert set(runs.values()) == {1}
    assert calls > len(runs)  # what the gate has dropped: restart windows, the other hour
    of_task = Counter(task for task, _ in runs)
    assert of_task["health_check"] == QUARTERS[day]
    assert of_task["toy_hourly"] == QUARTERS[day] // 4
    for task, moment in ONCE[day].items():
        assert [slot for name, slot in runs if name == task] == [int(datetime.fromisoformat(moment).timestamp())]
