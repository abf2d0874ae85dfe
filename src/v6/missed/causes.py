"""Why slots were missed, as far as anything tells, with the evidence in words. A likely cause, not a proof."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from v6.clock import NEW_YORK
from v6.journal import gate_log
from v6.missed.find import Looked, Site, Slot, claim_of
from v6.missed.signs import CRON_STARTS_WITHIN, Signs, first_from, last_before
from v6.scheduler.due import LATE_MINUTES

SAME_MINUTE = timedelta(minutes=1)
SILENCE = timedelta(minutes=20)
"""health_check fires every 15 minutes: cron that has started nothing for longer is not at work."""
STARTS_WITHIN = timedelta(minutes=LATE_MINUTES + 1)
LATE_BY = timedelta(minutes=30)
MOVED_SECONDS = 60.0
LEFT_OUT = "cron started other tasks, but not this one: is its line in the crontab that cron reads?"


class Cause(StrEnum):
    """What each means, and its cure: docs/operations.md, "Missed slots"."""

    HOST_DOWN = "host_down"
    SUSPENDED = "suspended"
    CLOCK_JUMPED = "clock_jumped"
    CRON_SILENT = "cron_silent"
    LINE_IGNORED = "line_ignored"
    LATE = "late"
    GATE_FAILED = "gate_failed"
    START_FAILED = "start_failed"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Missed:
    """One missed slot (in UTC) and why. All slots of one incident have the same evidence."""

    task: str
    slot: datetime
    cause: Cause
    evidence: str


class Judge:
    """Judges the slots that one look found."""

    def __init__(self, site: Site, looked: Looked, signs: Signs, now: datetime) -> None:
        self.site = site
        self.looked = looked
        self.signs = signs
        self.now = now.astimezone(UTC)
        self.left_out = {task for task, slot in looked.slots if _within(first_from(signs.fired, slot), slot)}

    def judge(self, pair: Slot) -> Missed:
        task, slot = pair
        for why in (self._claimed, self._gate_failed, self._late, self._host_down, self._silence):
            if found := why(task, slot):
                return Missed(task, slot, *found)
        return Missed(task, slot, Cause.UNKNOWN, "nothing tells what cron did at that time")

    def _claimed(self, task: str, slot: datetime) -> tuple[Cause, str] | None:
        if (task, slot) not in self.looked.claimed:
            return None
        script = self.site.schedule.tasks[task].script
        words = f"the gate started it ({claim_of(self.site.paths, task, slot)}), and its supervisor wrote nothing"
        stem = script.removeprefix("scripts/").removesuffix(".py")
        return Cause.START_FAILED, f"{words}: see logs/cron/{stem}.log, or the host went down in that moment"

    def _gate_failed(self, task: str, slot: datetime) -> tuple[Cause, str] | None:  # noqa: ARG002 - a judge's shape
        said = {
            line.detail
            for line in self.signs.gate
            if line.word == gate_log.DIE and _within(line.at, slot, STARTS_WITHIN)
        }
        return (Cause.GATE_FAILED, f"the gate could not decide: {'; '.join(sorted(said))}") if said else None

    def _late(self, task: str, slot: datetime) -> tuple[Cause, str] | None:
        """Its line was started when the slot was over: such a call finds no slot any more."""
        calls = [
            line.at
            for line in self.signs.gate
            if line.task == task and line.reason == "not_slot" and slot + STARTS_WITHIN <= line.at < slot + LATE_BY
        ]
        if not calls:
            return None
        words = f"cron started the line at {_moment(calls[0])}, more than {LATE_MINUTES} minutes late"
        return Cause.LATE, f"{words}: the host was busy, suspended, or its clock was moved"

    def _host_down(self, task: str, slot: datetime) -> tuple[Cause, str] | None:  # noqa: ARG002
        start = first_from(self.signs.starts, slot)
        if start is None:
            return None
        sign = last_before(self.signs.alive, start - CRON_STARTS_WITHIN)
        if sign is not None and sign >= slot + SAME_MINUTE:
            return None  # the host did something after the slot and before that start
        seen = f"last sign of life {_moment(sign)}" if sign else "no sign of life before"
        return Cause.HOST_DOWN, f"the host was down: {seen}, started again {_moment(start)}"

    def _silence(self, task: str, slot: datetime) -> tuple[Cause, str] | None:  # noqa: ARG002
        before, after = last_before(self.signs.fired, slot), first_from(self.signs.fired, slot)
        if start := last_before(self.signs.starts, slot):
            before = max(before or start, start)
        if _within(after, slot):
            return Cause.LINE_IGNORED, LEFT_OUT
        if before is None:
            return None
        until = after or self.now
        if moved := self._moved(before, until):
            return moved
        silent = f"cron started nothing from {_moment(before)} to {_moment(until)}" + (
            "" if after else ", and not since"
        )
        lost = {name for name, other in self.looked.slots if before < other < until}
        if until - before < SILENCE and (len(lost) == 1 or lost <= self.left_out):
            return Cause.LINE_IGNORED, LEFT_OUT
        return Cause.CRON_SILENT, f"{silent}, though the host was up: did the daemon run, and accept the file?"

    def _moved(self, before: datetime, until: datetime) -> tuple[Cause, str] | None:
        """Whether the host's clocks explain a silence: they moved in one go, so it is about as long. They are compared
        since the last look only."""
        seconds = (min(until, self.now) - max(before, self.signs.looked)).total_seconds()
        where = f"between {_moment(before)} and {_moment(until)}"
        for cause, moved, words in (
            (Cause.SUSPENDED, self.signs.asleep, "the host slept"),
            (Cause.CLOCK_JUMPED, self.signs.ahead, "the host's clock was set forwards by"),
        ):
            if moved > MOVED_SECONDS and seconds / 2 <= moved <= seconds + MOVED_SECONDS:
                return cause, f"{words} {moved / 60:.0f} minutes, {where}"
        return None


def judged(site: Site, looked: Looked, signs: Signs, now: datetime) -> list[Missed]:
    judge = Judge(site, looked, signs, now)
    return [judge.judge(pair) for pair in looked.slots]


def incidents(found: Iterable[Missed]) -> dict[tuple[Cause, str], list[Missed]]:
    """By cause and evidence, in the order of their first slots."""
    grouped: dict[tuple[Cause, str], list[Missed]] = {}
    for one in sorted(found, key=lambda one: one.slot):
        grouped.setdefault((one.cause, one.evidence), []).append(one)
    return grouped


def _within(moment: datetime | None, slot: datetime, span: timedelta = SAME_MINUTE) -> bool:
    return moment is not None and timedelta() <= moment - slot < span


def _moment(moment: datetime) -> str:
    return f"{moment.astimezone(NEW_YORK):%Y-%m-%d %H:%M:%S %Z}"
