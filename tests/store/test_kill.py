"""kill -9 at the worst moments, then the next run: nothing committed is lost, nothing is doubled (L18)."""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from option_rows import TASK
from v6.store.lake import Lake

pytestmark = pytest.mark.integration

Slots = dict[datetime, pl.DataFrame]
TABLE = "option_snapshots"
WRITER = Path(__file__).with_name("writer.py")


@contextmanager
def writer(
    lake: Lake, action: str, *indexes: int, locks: Path | None = None, failpoint: str = ""
) -> Iterator["subprocess.Popen[str]"]:
    """The writer process, its imports done."""
    command = [sys.executable, str(WRITER), lake.root, str(locks or lake.locks), action, *map(str, indexes)]
    environment = os.environ | {"V6_FAILPOINT": failpoint}
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        yield process
        process.kill()


def said(process: "subprocess.Popen[str]") -> list[str]:
    """Everything the writer still says, after its end."""
    return process.communicate()[0].split()


def write_all(lake: Lake, slots: Slots) -> None:
    for slot, frame in slots.items():
        assert lake.write_slot(TABLE, task=TASK, slot=slot, frame=frame) == 24


def expect_exactly(lake: Lake, slots: Slots) -> None:
    expected = pl.concat(slots.values()).sort("symbol", "expiry", "strike", "right", "slot")
    assert_frame_equal(lake.read(TABLE), expected)


@pytest.mark.parametrize(("failpoint", "survive"), [("before_commit", 0), ("after_commit", 24)])
def test_killed_around_the_first_commit_the_next_run_completes_it(
    lake: Lake, slots: Slots, failpoint: str, survive: int
) -> None:
    with writer(lake, "write", 0, failpoint=failpoint) as process:
        assert said(process) == []
        assert process.returncode == -signal.SIGKILL
    assert lake.read(TABLE).height == survive
    write_all(lake, slots)
    expect_exactly(lake, slots)


@pytest.mark.parametrize(("failpoint", "survive"), [("before_commit", 20), ("after_commit", 24)])
def test_killed_while_completing_a_partial_slot_it_is_the_old_or_the_new(
    lake: Lake, slots: Slots, failpoint: str, survive: int
) -> None:
    slot, frame = next(iter(slots.items()))
    lake.write_slot(TABLE, task=TASK, slot=slot, frame=frame.head(20))
    with writer(lake, "write", 0, failpoint=failpoint) as process:
        assert said(process) == []
    assert lake.slot_rows(TABLE, TASK, slot).height == survive
    write_all(lake, slots)
    expect_exactly(lake, slots)


def test_killed_at_random_moments_every_slot_reported_written_is_there_once(lake: Lake, slots: Slots) -> None:
    dice = random.Random(18)
    order = list(slots)
    for _ in range(6):
        with writer(lake, "churn", *dice.sample(range(12), 12)) as process:
            time.sleep(dice.uniform(0.05, 0.6))
            process.kill()
            reported = said(process)
        rows = lake.read(TABLE)
        held = dict(rows.group_by("slot").len().iter_rows())
        assert set(held.values()) <= {24}
        assert {order[int(index)] for index in reported} <= set(held)
        assert not rows.select("task", "slot", "con_id").is_duplicated().any()
    write_all(lake, slots)
    lake.compact(TABLE)
    expect_exactly(lake, slots)


@pytest.mark.parametrize(("failpoint", "files"), [("before_commit", 12), ("after_commit", 1)])
def test_a_compaction_killed_half_way_leaves_a_good_table(lake: Lake, slots: Slots, failpoint: str, files: int) -> None:
    write_all(lake, slots)
    with writer(lake, "compact", failpoint=failpoint) as process:
        assert said(process) == []
    assert lake.status()[1].files == files
    expect_exactly(lake, slots)
    assert lake.compact(TABLE).files_after == 1
    expect_exactly(lake, slots)


@pytest.mark.parametrize("hosts", ["one host", "two hosts"])
def test_two_processes_writing_at_once_lose_and_double_nothing(
    lake: Lake, slots: Slots, home: Path, hosts: str
) -> None:
    """Two hosts share no lock folder: only the optimistic commit keeps them apart."""
    other = lake.locks if hosts == "one host" else home / "other locks"
    with (
        writer(lake, "wait", 0, 1, 2, 3, 4, 5, 6, 7) as one,
        writer(lake, "wait", 0, 1, 2, 3, 11, 10, 9, 8, locks=other) as two,
    ):
        for process in (one, two):
            assert process.stdin is not None
            process.stdin.write("go\n")
            process.stdin.flush()
        assert len(said(one)) == len(said(two)) == 8
        assert one.returncode == two.returncode == 0
    expect_exactly(lake, slots)
