"""One check of the accounts: what was seen against what must be, with the history of what does not add up."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from v6 import clock
from v6.analysis import reconcile, reconcile_orders
from v6.analysis.expected_positions import Heard, Held, Key, Rules, expected, since
from v6.analysis.reconcile import Break
from v6.analysis.reconcile_orders import OrderFacts, order_key
from v6.collection.account_book import BASELINE, CHECKED, RESOLVED, WHOLE_ACCOUNT, AccountBook, OpenBreak, not_heard
from v6.collection.account_watch import UNALLOCATED, UNSET, Observed, UntrustedError
from v6.config.settings import Positions
from v6.model import Execution, OpenOrder
from v6.restart.counted import counted

SHOWN = 3
"""Breaks that a summary tells whole."""


@dataclass(frozen=True, slots=True)
class Standing:
    """A break with its history. `before`: its outcome and what TWS said at each check since, before this one."""

    one: Break
    since: datetime
    before: tuple[tuple[str, float | None], ...] = ()

    @property
    def new(self) -> bool:
        return not self.before

    @property
    def words(self) -> str:
        if self.new:
            return f"{self.one.message}; seen for the first time"
        text = f"{self.one.message}; since {_moment(self.since)}, seen at {counted(len(self.before) + 1, 'check')}"
        others = [value for outcome, value in self.before if outcome == self.one.outcome and value != self.one.found]
        if told := [f"{value:g}" for value in dict.fromkeys(others) if value is not None]:
            text += f", TWS said {', '.join(told)} before"
        if kinds := [kind for kind in dict.fromkeys(kind for kind, _ in self.before) if kind != self.one.outcome]:
            text += f", {' and '.join(kinds)} before"
        return text

    @property
    def identity(self) -> str:
        """What makes it news for a person: the break, and what TWS says of it."""
        return f"{self.one.account}|{self.one.outcome}|{self.one.subject}|{self.since.isoformat()}|{self.one.found}"


@dataclass(frozen=True, slots=True)
class Check:
    """`fresh`: executions nobody had heard of. `new_accounts` get a baseline. `first`: there was nothing to compare.
    `accepted`: who has accepted everything as it is, and why; then it is the baseline of every account."""

    seen: Observed
    fresh: tuple[Execution, ...]
    breaks: tuple[Standing, ...]
    ended: tuple[OpenBreak, ...]
    explained: tuple[str, ...]
    new_accounts: frozenset[str]
    first: bool
    accepted: str = ""

    @property
    def baseline(self) -> str:
        """Why there is a baseline; empty for a check that compared."""
        return self.accepted or ("the first check" if self.first else "")

    def words(self) -> str:
        held, working, accounts = map(len, (self.seen.positions, self.seen.orders, self.seen.accounts))
        counts = f"{counted(held, 'position')} and {counted(working, 'open order')} of {counted(accounts, 'account')}"
        parts = [counts, counted(len(self.fresh), "new execution"), *self.explained]
        parts += [f"{_name(broken)} is {'accepted' if self.accepted else 'explained again'}" for broken in self.ended]
        if not self.baseline:
            parts += [f"{account}: its first check, baseline" for account in sorted(self.new_accounts)]
        return ", ".join(parts)

    def breaks_in_words(self) -> str:
        """Bounded: the first SHOWN of them whole, the others counted."""
        shown = [f"[{each.one.outcome}] {each.words}" for each in self.breaks[:SHOWN]]
        more = len(self.breaks) - SHOWN
        return f"{counted(len(self.breaks), 'break')}: {'; '.join(shown)}" + (f"; and {more} more" if more > 0 else "")


def rules_of(settings: Positions) -> Rules:
    return Rules(settings.average_cost_tolerance, settings.commission_per_contract, settings.commission_per_share)


def check(book: AccountBook, seen: Observed, rules: Rules, *, accepted: str = "") -> Check:
    """Compare; `accepted`: by whom and why everything is to be the baseline, then nothing is a break. Raises
    UntrustedError."""
    heard = [] if book.last is None else book.heard(_oldest(book))
    fresh = tuple(not_heard(seen.executions, heard))
    if book.last is None or accepted:
        accounts = frozenset(seen.accounts)
        return Check(seen, fresh, (), tuple(book.open_breaks), (), accounts, book.last is None, accepted)
    if lost := sorted(book.accounts - set(seen.accounts)):
        raise UntrustedError(
            f"{', '.join(lost)}: known to the last check, not among the accounts of this login "
            f"({', '.join(seen.accounts)}); if that is right, accept it: --baseline --because TEXT"
        )
    heard += [Heard(each, seen.at) for each in fresh]
    today = seen.at.astimezone(clock.NEW_YORK).date()
    held = _positions(book, book.last, seen, heard, rules, today)
    working = _orders(book, book.last, seen, heard, today)
    gap = _gap(book.last, today)
    breaks = [_standing(book, one, seen.at, gap) for one in (*held.breaks, *working.breaks)]
    ended = [old for old in book.open_breaks if not any(old.concerns(each.one) for each in breaks)]
    explained = (*held.explained, *working.explained)
    return Check(seen, fresh, tuple(breaks), tuple(ended), explained, frozenset(seen.accounts) - book.accounts, False)


def outcomes(done: Check) -> list[dict[str, Any]]:
    """Rows of `reconciliation` without slot, task and day."""
    rows: list[dict[str, Any]] = []
    for account in done.seen.accounts:
        begins = account in done.new_accounts
        message = (done.baseline if begins else "") or done.words()
        outcome = BASELINE if begins else CHECKED
        rows.append({"account": account, "outcome": outcome, "subject": WHOLE_ACCOUNT, "message": message})
    for standing in done.breaks:
        one = standing.one
        rows.append(
            {
                "account": one.account,
                "outcome": one.outcome,
                "subject": one.subject,
                "symbol": one.symbol,
                "expected": one.expected,
                "found": one.found,
                "since": standing.since,
                "message": standing.words,
            }
        )
    for old in done.ended:
        words = f"{old.outcome} since {_moment(old.since)}, seen at {counted(len(old.found), 'check')}, has ended"
        cells = {"account": old.account, "outcome": RESOLVED, "subject": old.subject, "symbol": old.symbol}
        accepted = f": {done.accepted}" if done.accepted else ""
        rows.append(cells | {"since": old.since, "message": words + accepted})
    return rows


def _oldest(book: AccountBook) -> datetime:
    """The oldest check that something is compared with."""
    assert book.last is not None
    return min((book.last, *map(book.before, book.open_breaks)))


def _positions(
    book: AccountBook, last: datetime, seen: Observed, heard: Sequence[Heard], rules: Rules, today: date
) -> reconcile.Findings:
    base, as_of = book.positions()
    known = {key: held for key, held in base.items() if key[0] in book.accounts}
    concerned = [one for one in heard if one.execution.account in book.accounts]
    found: dict[Key, Held] = {
        (each.account, each.contract.con_id): Held(each.contract, each.quantity, _told(each.average_cost))
        for each in seen.positions
        if each.account in book.accounts
    }
    return reconcile.positions(expected(known, as_of, last, concerned, rules), found, rules, today)


def _told(cost: float) -> float | None:
    """An average cost; None for TWS's words for none, NaN and 1.8e308."""
    return cost if abs(cost) < UNSET else None


def _orders(
    book: AccountBook, last: datetime, seen: Observed, heard: Iterable[Heard], today: date
) -> reconcile.Findings:
    base, as_of = book.orders()
    known = book.accounts | {UNALLOCATED}
    by_order: dict[str, list[Heard]] = {}
    for one in heard:
        by_order.setdefault(str(one.execution.perm_id), []).append(one)
    before: dict[str, tuple[OpenOrder, date]] = {}
    for key, order in base.items():
        before[key] = order, as_of.get(key, last).astimezone(clock.NEW_YORK).date()
    facts = OrderFacts(
        before=before,
        now={order_key(order): order for order in seen.orders if order.account in known},
        fills={key: since(fills, as_of.get(key, last)).executions for key, fills in by_order.items()},
        completed={order.perm_id for order in seen.completed} | book.cancelled(_oldest(book)),
        seen=book.seen_orders(),
        today=today,
    )
    return reconcile_orders.orders(facts)


def _standing(book: AccountBook, one: Break, now: datetime, gap: str) -> Standing:
    for old in book.open_breaks:
        if old.concerns(one):
            return Standing(one, old.since, old.found)
    return Standing(replace(one, message=one.message + gap), now)


def _gap(last: datetime, today: date) -> str:
    """What of the time since the last check TWS does not tell any more, in words."""
    if last.astimezone(clock.NEW_YORK).date() >= today:
        return ""
    return f"; fills between {_moment(last)} and {today} 00:00 may have been missed: TWS tells only today's"


def _name(broken: OpenBreak) -> str:
    return f"{broken.symbol} ({broken.subject}, {broken.outcome})"


def _moment(instant: datetime) -> str:
    return f"{instant.astimezone(clock.NEW_YORK):%Y-%m-%d %H:%M}"
