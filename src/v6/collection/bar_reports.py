"""What a run that loads bars says of itself, for its summary, its log and the journal."""

from collections.abc import Iterable

from v6.collection.bar_fetch import Account
from v6.collection.bars import BarBook
from v6.collection.symbols import Resolved
from v6.journal import events
from v6.restart.counted import counted
from v6.runner.context import Context

UNKNOWN = "unknown_symbols"
NAMED = 5


def unknown(ctx: Context, found: Resolved) -> None:
    """Report symbols that TWS does not know; nothing when it knows them all."""
    if not found.unknown:
        return
    ctx.log.warning("TWS does not know {}", found.words())
    if not ctx.dry_run:
        text = f"TWS does not know {found.words()}"
        events.record(ctx.journal, UNKNOWN, text, ctx.task, {"symbols": sorted(found.unknown)})


def summary(ctx: Context, found: Resolved, account: Account, book: BarBook, left: int) -> str:
    """One line: bars, symbols, requests and their seconds, and everything that is not there."""
    there = {series.contract.symbol for series, days in account.came.items() if days}
    rows = counted(book.stored, "row")
    parts = [
        f"{counted(book.bars, 'bar')} of {counted(len(there), 'symbol')} ({rows} new or changed) "
        f"from {counted(account.requests, 'request')} in {account.seconds:.1f} s"
    ]
    if not account.requests:
        parts = [f"nothing to ask for: everything of {counted(len(found.contracts), 'symbol')} is stored"]
    empty = [series for series, days in account.absent.items() if not account.came.get(series) and days]
    if empty:
        parts.append(f"TWS has none of {shortened(map(str, empty))}")
    if account.repeated:
        parts.append(f"{counted(account.repeated, 'request')} repeated")
    if account.failed:
        parts.append(f"failed: {shortened(f'{series} ({why})' for series, why in account.failed.items())}")
    if left > 0:
        parts.append(f"{counted(left, 'request')} left for the next run")
    if words := book.words():
        parts.append(f"left out: {words}")
    if found.unknown:
        parts.append(f"unknown to TWS: {found.words()}")
    return ("dry run, nothing written: " if ctx.dry_run else "") + "; ".join(parts)


def shortened(words: Iterable[str]) -> str:
    every = list(words)
    more = len(every) - NAMED
    return ", ".join(every[:NAMED]) + (f" and {more} more" if more > 0 else "")
