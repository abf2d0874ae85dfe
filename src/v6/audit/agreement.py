"""Ledger and rows agree: what the slot ledger says to be complete and partial lies in the lake, and nothing else does.

For every slot of a day that is over: `complete` and `partial` of the ledger are the slot's rows of that status, counted
over the contracts that were to be collected (for options those of the slot's version of the universe: `--symbols` by
hand may store others). The journal's ledger is asked; for days that it has let go, its export. Slots that a killed run
left open are counted, not compared: the next run of the collector closes them.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

from v6.analysis.findings import Finding, could_not_check, of_problems
from v6.clock import NEW_YORK
from v6.journal import closed_days, ledger
from v6.restart.counted import counted
from v6.runner.context import Context
from v6.upkeep.journal_export import LEDGER, midnight

if TYPE_CHECKING:
    import polars as pl

    from v6.store.lake import Lake

Slots = dict[datetime, tuple[int, int, int | None]]
"""Slot -> complete, partial, version of the universe."""


def ledger_and_rows(ctx: Context) -> Finding:
    """Of every collector of the schedule and the closing, over all days that the lake has rows of."""
    problems: list[str] = []
    compared = unfinished = 0
    for task, table in _collectors(ctx).items():
        gone = {one.day for one in closed_days.of_table(ctx.journal, table) if one.removed_at is not None}
        for day in _days(ctx, table, task):
            if day in gone:
                continue
            known, unsettled = _ledger_of(ctx, task, day)
            rows = _counted(ctx.lake, table, task, day, known)
            unfinished += len(unsettled)
            for slot in sorted((set(known) | set(rows)) - unsettled):
                compared += 1
                if wrong := _wrong(known.get(slot), rows.get(slot, (0, 0))):
                    problems.append(f"{task} {slot.astimezone(NEW_YORK):%Y-%m-%d %H:%M}: {wrong}")
    if not compared:
        return could_not_check("ledger and rows", "there is no slot of a day that is over")
    left = f", {unfinished} left open" if unfinished else ""
    return of_problems("ledger and rows", problems, f"{counted(compared, 'slot')}{left}")


def _collectors(ctx: Context) -> dict[str, str]:
    """Task -> the table it fills."""
    tasks = ctx.config.scheduler.tasks
    return {name: ledger.WRITERS[task.script] for name, task in tasks.items() if task.script in ledger.WRITERS}


def _days(ctx: Context, table: str, task: str) -> list[date]:
    """Days before today that the table has rows of, or that the ledger has slots of."""
    today = ctx.now().date()
    slots = ledger.slots_of(ctx.journal, task, midnight(date(2000, 1, 1)), midnight(today))
    found = {*ctx.lake.partitions(table), *(line.slot.date() for line in slots)}
    return sorted(day for day in found if day < today)


def _ledger_of(ctx: Context, task: str, day: date) -> tuple[Slots, set[datetime]]:
    """The ledger's slots of the day, and those of them that are open."""
    lines = ledger.slots_of(ctx.journal, task, midnight(day), midnight(day + timedelta(days=1)))
    if lines:
        known = {line.slot: (line.complete, line.partial, line.universe_version) for line in lines}
        return known, {line.slot for line in lines if line.state == "open"}
    rows = ctx.lake.read(LEDGER, trade_date=day, task=task)
    exported: Slots = {}
    for slot, status, contracts, version in rows.select("slot", "status", "contracts", "universe_version").iter_rows():
        complete, partial, _ = exported.get(slot, (0, 0, version))
        exported[slot] = (
            complete + contracts * (status == "complete"),
            partial + contracts * (status == "partial"),
            version,
        )
    return exported, set()


def _counted(lake: Lake, table: str, task: str, day: date, known: Slots) -> dict[datetime, tuple[int, int]]:
    """Slot -> (complete, partial) rows of the contracts that were to be collected."""
    rows = lake.read(table, trade_date=day, task=task, columns=["slot", "con_id", "status"])
    chosen = _chosen(lake, day) if table == "option_snapshots" else {}
    counted: dict[datetime, list[int]] = defaultdict(lambda: [0, 0])
    for slot, con_id, status in rows.iter_rows():
        version = known[slot][2] if slot in known else None
        if version in chosen and con_id not in chosen[version]:
            continue
        counted[slot][status != "complete"] += 1
    return {slot: (complete, partial) for slot, (complete, partial) in counted.items()}


def _chosen(lake: Lake, day: date) -> dict[int, set[int]]:
    """Version of the day's universe -> con_ids that it collects."""
    import polars as pl

    contracts: pl.DataFrame = lake.read("option_contracts", trade_date=day, columns=["version", "con_id", "collected"])
    chosen: dict[int, set[int]] = defaultdict(set)
    for version, con_id in contracts.filter(pl.col("collected")).select("version", "con_id").iter_rows():
        chosen[version].add(con_id)
    return dict(chosen)


def _wrong(said: tuple[int, int, int | None] | None, held: tuple[int, int]) -> str:
    if said is None:
        return f"{counted(sum(held), 'row')} of a slot that the ledger does not know"
    if said[:2] == held:
        return ""
    return f"the ledger says {said[0]} complete and {said[1]} partial, the lake has {held[0]} and {held[1]}"
