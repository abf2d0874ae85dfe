"""Nothing of a day unaccounted: a ledger row for every slot that the calendar asked of a collector (L10).

Slots that ran have their row from their run. Here the others get theirs, every contract missing with the reason that
schedule, gate log and journal tell: not_run, host_down, restart_window, killed, job_failed ... Rows that a killed run
left open are closed from the lake. The days before are looked at too: the host may have been down that evening.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from functools import partial
from typing import NamedTuple

from v6.analysis.slot_states import SlotState, Verdict, judge
from v6.analysis.universe import QUEUED, RECENTRED_AT
from v6.clock import NEW_YORK
from v6.collection import closing, universe
from v6.collection.slot_book import Key, settle_unfinished
from v6.journal import evidence, ledger, runs
from v6.model import MissReason, QuoteStatus
from v6.runner.context import Context
from v6.scheduler import compiled, upcoming
from v6.scheduler.compiled import Task

OPTIONS, FUTURES, CLOSING = "option_snapshots", "futures_snapshots", closing.TABLE
TABLES = ledger.WRITERS
KEYS: Mapping[str, Key] = {OPTIONS: "con_id", FUTURES: "symbol", CLOSING: "con_id"}
LOOK_BACK = timedelta(days=7)
DEFAULT_DEADLINE = 300
RESTART_WINDOW = "restart_window"

# word of the gate or the journal -> reason of the ledger, where the words differ
REASONS = {"no_input": MissReason.NO_UNIVERSE}


class Expected(NamedTuple):
    """What a slot should have collected: key -> symbol."""

    contracts: dict[str, str]
    version: int | None = None
    note: str = ""


def complete(ctx: Context) -> list[SlotState]:
    """Give every slot of the last days whose time is over its ledger row; the states of those that had none."""
    now = ctx.now()
    start = _start(ctx, now)
    if start is None or ctx.dry_run:
        return []
    tasks = _collectors(ctx)
    for task in tasks.values():
        settle_unfinished(
            replace(ctx, task=task.name, slot=None),
            TABLES[task.script],
            KEYS[TABLES[task.script]],
            now,
            partial(_expected_then, ctx, task),
        )
    states = _without_row(ctx, tasks, start, now)
    known: dict[tuple[str, date, bool], Expected] = {}
    for state in states:
        task, same = tasks[state.task], (state.task, state.slot.date(), state.slot.time() < RECENTRED_AT)
        if same not in known:
            known[same] = expected_of(ctx, task, state.slot)
        _account_for(ctx, task, state, known[same])
    return states


def _expected_then(ctx: Context, task: Task, entry: ledger.Slot) -> dict[str, str]:
    return expected_of(ctx, task, entry.slot.astimezone(NEW_YORK)).contracts


def _start(ctx: Context, now: datetime) -> datetime | None:
    """When V6 began here, but not longer ago than LOOK_BACK; None when it never ran."""
    earliest = now - LOOK_BACK
    known = ledger.slots_of(ctx.journal, None, earliest, now)
    first = runs.first_started(ctx.journal)
    begun = [instant for instant in (first, known[0].slot if known else None) if instant is not None]
    return max(earliest, min(begun)).astimezone(NEW_YORK) if begun else None


def _collectors(ctx: Context) -> dict[str, Task]:
    schedule = compiled.load(ctx.paths.compiled / "schedule.txt")
    return {task.name: task for task in schedule.tasks.values() if task.enabled and task.script in TABLES}


def _without_row(ctx: Context, tasks: Mapping[str, Task], start: datetime, now: datetime) -> list[SlotState]:
    entries = evidence.entries(ctx.journal, start, now)
    traces = evidence.traces(ctx.journal, evidence.gate_log(ctx.paths), start, now)
    asked, in_window = _asked(ctx, tasks, start, now)
    words = dict.fromkeys(in_window, RESTART_WINDOW) | dict(traces.of_slot)
    states = judge(asked, entries, replace(traces, of_slot=words), now)
    return [each for each in states if each.verdict is Verdict.MISSING and (each.task, each.slot) not in entries]


def _asked(
    ctx: Context, tasks: Mapping[str, Task], start: datetime, now: datetime
) -> tuple[list[tuple[str, datetime]], set[tuple[str, datetime]]]:
    """The slots whose time is over, and those of them that lay in a restart window."""
    asked, in_window = [], set()
    for ahead in range((now.date() - start.date()).days + 1):
        day = start.date() + timedelta(days=ahead)
        for planned in upcoming.of_day(tasks.values(), day, ctx.calendar, ctx.windows):
            over = planned.slot.timestamp() + (tasks[planned.task].deadline or DEFAULT_DEADLINE)
            if planned.slot.timestamp() < start.timestamp() or over > now.timestamp():
                continue
            if planned.decision.run or planned.decision.reason == RESTART_WINDOW:
                asked.append((planned.task, planned.slot))
                if not planned.decision.run:
                    in_window.add((planned.task, planned.slot))
    return asked, in_window


def _account_for(ctx: Context, task: Task, state: SlotState, expected: Expected) -> None:
    """The row of a slot that nobody opened."""
    word = next(iter(state.reasons))
    reason = _reason(word)
    detail = f"no run of the slot opened the ledger: {word}"
    ledger.open_slot(ctx.journal, task.name, state.slot, len(expected.contracts), expected.version, expected.note)
    misses = [
        ledger.Miss(key, symbol, QuoteStatus.MISSING.value, reason.value, detail)
        for key, symbol in expected.contracts.items()
    ]
    ledger.close_slot(ctx.journal, task.name, state.slot, 0, misses, expected.note)


def _reason(word: str) -> MissReason:
    if word in REASONS:
        return REASONS[word]
    return MissReason(word) if word in set(MissReason) else MissReason.NOT_RUN


def expected_of(ctx: Context, task: Task, slot: datetime) -> Expected:
    """What a run of that New York slot would have opened the ledger with."""
    table = TABLES[task.script]
    if table == FUTURES:
        return Expected({symbol: symbol for symbol in ctx.settings.futures.symbols})
    if table == CLOSING:
        contracts = {str(contract.con_id): contract.symbol for contract in closing.contracts_of(ctx, slot.date())}
        return Expected(contracts) if contracts else _by_symbol(ctx, ())
    only = _symbols_of(task.args)
    frozen = universe.load(ctx, slot.date(), QUEUED if slot.time() < RECENTRED_AT else None, queued=False)
    if frozen is None:
        return _by_symbol(ctx, only)
    chosen = [each for each in frozen.collected if not only or each.symbol in only]
    return Expected({str(each.con_id): each.symbol for each in chosen}, frozen.version)


def _by_symbol(ctx: Context, only: Sequence[str]) -> Expected:
    symbols = only or ctx.settings.universe.symbols
    return Expected({symbol: symbol for symbol in symbols}, None, "counted by symbol: no universe")


def _symbols_of(args: Sequence[str]) -> tuple[str, ...]:
    """The values of --symbols in a task's arguments."""
    if "--symbols" not in args:
        return ()
    found = []
    for word in args[args.index("--symbols") + 1 :]:
        if word.startswith("--"):
            break
        found.append(word)
    return tuple(found)


def words(states: Sequence[SlotState]) -> str:
    """`3 slots had no ledger row (host_down 2, not_run 1)`; empty when every slot had one."""
    if not states:
        return ""
    reasons = [next(iter(state.reasons)) for state in states]
    counted = ", ".join(f"{reason} {reasons.count(reason)}" for reason in dict.fromkeys(reasons))
    return f"{len(states)} slots had no ledger row ({counted})"
