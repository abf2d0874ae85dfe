"""Explain positions and orders of TWS by what was stored and traded.

Usage: scripts/validate_positions.py [--baseline --because TEXT] [--dry-run]
Needs: TWS. Reads positions, open and completed orders of every client, and today's executions.
Expected: the accepted state and every execution since (rules and formulas: v6.analysis.reconcile, .reconcile_orders,
.expected_positions). What differs is a break: missing, unexpected, quantity, average_cost, corporate_action suspected,
order_missing, order_unexpected, order_changed. A break is looked at twice, some seconds apart, before it is believed.
The first check records a baseline. A break stays open, against the state from before it, until TWS agrees again, an
execution explains it, or a person accepts what is there: --baseline with the reason in --because; who and why is kept.
An alert goes out when a break is new or TWS says something new of it, then once a day, and when all have ended.
A TWS whose answer contradicts itself (no positions in an account that is worth something, a known account gone, a
quantity that is no number) is not believed: could_not_check, never "all missing".
Writes: executions, positions, open_orders, reconciliation. A repeat is safe: it is another check, and one at a time.
Exit codes: 0 everything is explained, or a baseline; 1 a break (not tried again, the next check is the next hour's), or
TWS away or not to be believed (tried again); 2 wrong arguments.
"""

import os
from collections.abc import Sequence
from datetime import timedelta

from v6.collection.account_book import AccountBook, alone
from v6.collection.account_watch import observe
from v6.collection.reconciliation import SHOWN, Check, Standing, check, outcomes, rules_of
from v6.journal import events
from v6.model import FatalError
from v6.restart.counted import counted
from v6.runner import ownership
from v6.runner.context import Argument, Context
from v6.runner.notices import POSITIONS_BROKEN
from v6.runner.told import ToldError

WRITES = True
ARGUMENTS = (
    Argument("--baseline", action="store_true", help="accept what TWS says now as right"),
    Argument("--because", metavar="TEXT", default="", help="why: recorded with the baseline"),
)
SECOND_LOOK_SECONDS = 3.0
REMIND = timedelta(days=1)
TOLD = "position_breaks_told"
"""Kind of the event that says which breaks a person has been told of."""


def validate_positions(ctx: Context) -> str:
    because = _because(ctx)
    accepted = f"accepted by {_person()} because {because}" if because else ""
    with alone(ctx):
        done = _check(ctx, accepted)
        if not ctx.dry_run:
            AccountBook(ctx).store(done.seen, done.fresh, outcomes(done))
            _tell(ctx, done)
    how = "dry run, nothing written: " if ctx.dry_run else ""
    if done.breaks:
        for standing in done.breaks[SHOWN:]:  # the summary tells the first ones, and is logged as well
            ctx.log.error("[{}] {}", standing.one.outcome, standing.words)
        raise ToldError(POSITIONS_BROKEN, how + done.breaks_in_words(), recoverable=True)
    if done.baseline:
        how += f"baseline recorded ({done.baseline}): "
    return how + done.words()


def _because(ctx: Context) -> str:
    text = str(ctx.args.because).strip()
    if ctx.args.baseline and not text:
        raise FatalError("--baseline needs --because TEXT: why what TWS says now is right")
    if text and not ctx.args.baseline:
        raise FatalError("--because belongs to --baseline: without it nothing is accepted")
    return text


def _person() -> str:
    """The account of this host that accepts; through sudo the one behind it."""
    return os.environ.get("SUDO_USER") or ownership.user_name(os.getuid())


def _check(ctx: Context, accepted: str) -> Check:
    book, rules = AccountBook(ctx), rules_of(ctx.settings.positions)
    with ctx.gateway("checks") as gateway:
        done = check(book, observe(ctx, gateway, book.last), rules, accepted=accepted)
        if any(standing.new for standing in done.breaks):
            ctx.log.info("{} at the first look, looking again", counted(len(done.breaks), "break"))
            ctx.sleep(SECOND_LOOK_SECONDS)
            done = check(book, observe(ctx, gateway, book.last), rules, accepted=accepted)
    return done


def _tell(ctx: Context, done: Check) -> None:
    """Put what is news into the outbox: the journal knows across processes what a person has been told (L35)."""
    told = _told_since(ctx)
    news = [standing for standing in done.breaks if standing.identity not in told]
    if news:
        _alert(ctx, "failure", f"{counted(len(done.breaks), 'break')} of positions or orders", _body(done.breaks, news))
        identities = [standing.identity for standing in done.breaks]
        events.record(ctx.journal, TOLD, f"{len(news)} of {len(identities)} are news", ctx.task, {"breaks": identities})
    elif done.ended and not done.breaks:
        title = "positions and orders are accepted" if done.accepted else "positions and orders are explained again"
        _alert(ctx, "info", title, f"{done.accepted}: {done.words()}" if done.accepted else done.words())


def _told_since(ctx: Context) -> set[str]:
    start = ctx.now() - REMIND
    return {
        str(identity)
        for event in events.recent(ctx.journal, TOLD, limit=200)
        if event.at > start
        for identity in event.details["breaks"]
    }


def _alert(ctx: Context, severity: str, title: str, body: str) -> None:
    key = f"positions:{ctx.now().timestamp():.3f}"
    events.raise_alert(ctx.journal, severity=severity, title=title, body=body, task=ctx.task, key=key)


def _body(breaks: Sequence[Standing], news: Sequence[Standing]) -> str:
    lines = [f"{'* ' if one in news else '  '}[{one.one.outcome}] {one.one.account} {one.words}" for one in breaks]
    return "\n".join([*lines, "what to do: docs/data.md, Positions"])
