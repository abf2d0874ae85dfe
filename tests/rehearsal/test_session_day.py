"""The market session's day: one connection and every slot once, whatever dies; TWS at 11:00 and 13:30, it at 14:15."""

from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from v6 import clock
from v6.clock import NEW_YORK
from v6.config.yaml_file import parse
from v6.journal import database, runs, session_cycles
from v6.journal.runs import Run
from v6.journal.session_cycles import Cycle
from v6.model import FatalError
from v6.rehearsal import processes
from v6.rehearsal.books import Books
from v6.rehearsal.deeds import Deed, Scene, require_occasions
from v6.rehearsal.rehearse import Plan, rehearse
from v6.rehearsal.stage import Stage
from v6.rehearsal.window import Window
from v6.store.lake import Lake

from .conftest import Rehearsed

pytestmark = pytest.mark.integration

Site = Callable[..., Path]
OPTIONS, FUTURES = COLLECTORS = ("collect_option_snapshots", "collect_futures_snapshots")
CONTRACTS = {OPTIONS: 12, FUTURES: 3}  # a slot, with the small universe
TABLES = {OPTIONS: "option_snapshots", FUTURES: "futures_snapshots"}
SESSION, RESUME = "run_market_session", "resume_market_session"
TASKS = ("queue_option_contracts", *COLLECTORS, SESSION, RESUME)
MOMENT_SECONDS = 60.0
AROUND_THE_DEEDS = (("09:25", "09:30"), ("11:00", "11:05"), ("13:30", "13:35"), ("14:15", "14:25"), ("15:55", "16:25"))
THE_WHOLE_DAY = (("09:25", "16:25"),)


def at(text: str) -> datetime:
    return datetime.fromisoformat(f"2026-11-20 {text}").replace(tzinfo=NEW_YORK)


def window(span: tuple[str, str]) -> Window:
    return Window(at(span[0]), at(span[1]))


class Quiet:
    def begin(self, minutes: int) -> None: ...

    def at(self, minute: datetime, started: Sequence[str]) -> None: ...


# what is done to TWS and to the session


def until(there: Callable[[], object], what: str) -> None:
    deadline = clock.monotonic() + MOMENT_SECONDS
    while not there():
        assert clock.monotonic() < deadline, f"never came: {what}"
        clock.sleep(0.02)


def cycles_of(scene: Scene, slot: datetime) -> list[Cycle]:
    with closing(database.connect(scene.stage.paths.journal)) as db:
        return [cycle for task in COLLECTORS if (cycle := session_cycles.of_slot(db, task, slot))]


def runs_of(scene: Scene, task: str, slot: datetime) -> list[Run]:
    with closing(database.connect(scene.stage.paths.journal)) as db:
        return runs.of_slot(db, task, slot)


def freeze(scene: Scene) -> None:
    """So that what begins now is still at work when it is killed."""
    scene.tws.freeze()


def kill_in_mid_cycle(scene: Scene) -> None:
    until(lambda: len(cycles_of(scene, at("11:00"))) == 2, "the cycles of 11:00")
    scene.tws.kill()


def kill(scene: Scene) -> None:
    scene.tws.connections()
    scene.tws.kill()


def come_back(scene: Scene) -> None:
    scene.tws.start_again()


def come_back_when_it_was_missed(scene: Scene) -> None:
    ended = [lambda task=task: any(run.ended_at for run in runs_of(scene, task, at("13:30"))) for task in COLLECTORS]
    until(lambda: all(one() for one in ended), "a failed attempt of each collector at 13:30")
    scene.tws.start_again()


def kill_the_session_in_mid_cycle(scene: Scene) -> None:
    until(lambda: len(cycles_of(scene, at("14:15"))) == 2, "the cycles of 14:15")
    until(lambda: any(run.ended_at for run in runs_of(scene, RESUME, at("14:15"))), "the look at 14:15 for a session")
    scene.long_lived.kill()
    scene.tws.thaw()


DEEDS = (
    Deed(at("11:00"), "before", freeze),
    Deed(at("11:00"), "during", kill_in_mid_cycle),
    Deed(at("11:00"), "after", come_back),
    Deed(at("13:30"), "before", kill),
    Deed(at("13:30"), "during", come_back_when_it_was_missed),
    Deed(at("14:15"), "before", freeze),
    Deed(at("14:15"), "during", kill_the_session_in_mid_cycle),
)


# what became of the day


@dataclass(frozen=True)
class Day:
    """`rows` of the lake: table, slot, con_id; `commits` to each table besides its creation; `left`: processes."""

    books: Books
    rows: pl.DataFrame
    commits: dict[str, int]
    attempts: list[Run]
    left: int

    @property
    def incomplete(self) -> dict[str, dict[str, Any]]:
        return {
            f"{state.slot:%H:%M} {state.task}": dict(state.reasons)
            for state in self.books.slots
            if state.verdict != "complete"
        }

    def successes(self) -> Counter[tuple[str, datetime]]:
        """Of session and cron together: who committed which slot of a collector."""
        cycles = [(one.task, one.slot) for one in self.books.cycles if one.outcome == "success"]
        by_cron = [(run.task, run.slot) for run in self.attempts if run.task in COLLECTORS and run.outcome == "success"]
        return Counter(cycles + [(task, slot) for task, slot in by_cron if slot is not None])

    def of(self, task: str, slot: str) -> list[tuple[str, str]]:
        return [(run.outcome or "", run.reason) for run in self.attempts if (run.task, run.slot) == (task, at(slot))]


def play(site: Site, home: Path, spans: Sequence[tuple[str, str]], deeds: Sequence[Deed] = ()) -> Day:
    config = site(*TASKS)
    windows = tuple(map(window, spans))
    stage = Stage(home)
    plan = Plan(windows, parse(config.read_text(encoding="utf-8"), str(config)), session=True, deeds=tuple(deeds))
    books = rehearse(stage, plan, Quiet())
    lake = Lake(str(home / "var" / "lake"), None, stage.paths.locks)
    rows = [
        lake.read(table, trade_date=windows[0].start.date()).select("slot", "con_id", pl.lit(table).alias("table"))
        for table in TABLES.values()
    ]
    with closing(database.connect(stage.paths.journal)) as db:
        attempts = runs.between(db, windows[0].start, windows[-1].end)
    commits = {table: stored.version() for table in TABLES.values() if (stored := lake.opened(table))}
    return Day(books, pl.concat(rows), commits, attempts, len(processes.of_home(stage.home)))


@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    "spans",
    [
        pytest.param(AROUND_THE_DEEDS, id="around_the_deeds"),
        pytest.param(THE_WHOLE_DAY, id="the_whole_day", marks=pytest.mark.soak),
    ],
)
def test_a_day_on_one_connection_loses_only_what_tws_was_away_for(
    site: Site, tmp_path: Path, spans: Sequence[tuple[str, str]]
) -> None:
    day = play(site, tmp_path / "stage", spans, DEEDS)

    every_contract_is_explained(day)
    nothing_is_collected_twice(day)
    only_the_outages_are_missing(day)
    a_collector_connects_only_when_the_session_cannot(day)
    cron_takes_over_from_a_dead_session_and_begins_it_anew(day)
    the_session_ends_by_itself(day)


@pytest.mark.soak
def test_a_rehearsal_that_begins_later_has_its_session(rehearse: Callable[..., Rehearsed], site: Site) -> None:
    day = rehearse("2026-11-20", "--from", "09:30", "--to", "09:30", "--session", "--config", site(*TASKS))

    assert day.code == 0, day.trouble
    assert [one["task"] for one in day.said["prologue"]] == ["queue_option_contracts", SESSION]
    assert {one["task"]: one["outcome"] for one in day.said["session_cycles"]} == dict.fromkeys(COLLECTORS, "success")
    assert day.said["connections"] == {"08:00": 1, "09:25": 1}
    assert day.outcomes(SESSION) == {"success": 1}


def test_a_deed_that_would_never_be_done_is_refused() -> None:
    with pytest.raises(FatalError, match="deeds at 2026-11-20 09:31: cron starts nothing then"):
        require_occasions([Deed(at("09:31"), "before", kill)], [at("09:30"), at("09:35")])


def every_contract_is_explained(day: Day) -> None:
    assert {state.task for state in day.books.slots} == set(CONTRACTS)
    for state in day.books.slots:
        assert state.expected == CONTRACTS[state.task], state
        assert state.complete + state.partial + (state.missing or 0) == state.expected, state
        assert sum(state.reasons.values()) == state.expected - state.complete, state


def nothing_is_collected_twice(day: Day) -> None:
    assert day.rows.group_by("table", "slot", "con_id").len()["len"].max() == 1
    complete = [(state.task, state.slot) for state in day.books.slots if state.verdict == "complete"]
    assert day.successes() == Counter(complete)
    slots = day.rows.group_by("table").agg(pl.col("slot").n_unique())
    assert day.commits == dict(slots.iter_rows())


def only_the_outages_are_missing(day: Day) -> None:
    assert {words[:5] for words in day.incomplete} <= {"11:00"}, day.incomplete
    reasons = {reason for reasons in day.incomplete.values() for reason in reasons}
    assert reasons <= {"tws_down", "disconnected"}, day.incomplete


def a_collector_connects_only_when_the_session_cannot(day: Day) -> None:
    connected = {f"{minute:%H:%M}": count for minute, count in day.books.connections.items()}
    assert connected.pop("08:00") == 1  # the universe, before the session
    assert connected.pop("09:25") == 1
    assert connected.pop("11:00") == 1  # the session again: TWS came back when cron had given up
    assert connected.pop("13:30") == 3  # two collectors that tried again, then the session
    assert connected.pop("14:15") == 2  # two collectors in the place of the dead session
    assert set(connected) <= {"14:20"}, connected


def cron_takes_over_from_a_dead_session_and_begins_it_anew(day: Day) -> None:
    assert [(one.task, f"{one.slot:%H:%M}") for one in day.books.not_done if one.task == SESSION] == [
        (SESSION, "09:25")
    ]
    assert day.of(OPTIONS, "14:15") == [("success", "")]
    assert day.of(FUTURES, "14:15") == [("success", "")]
    assert day.of(RESUME, "14:15") == [("skip", "running")]
    assert day.of(RESUME, "14:20") == [("success", "")]
    assert day.of(OPTIONS, "14:25") == [("skip", "covered_by_session")]


def the_session_ends_by_itself(day: Day) -> None:
    [last] = [run for run in day.attempts if (run.task, run.slot) == (RESUME, at("14:20"))]
    assert last.ended_at is not None
    assert last.ended_at >= at("16:20")
    assert day.left == 0
