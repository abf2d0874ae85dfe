"""From "TWS may be back" to "everything works again, or this is why not": reach, validate, restore, compare.

Every step is in the journal when it is done, so that a run that was killed is begun again without losing what the one
before had found: the saved state is only read here, marks of order ids never fall, orders are never touched.
"""

import asyncio
import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from v6 import clock, failpoint
from v6.analysis.findings import Finding, failed, ok
from v6.analysis.findings import State as Checked
from v6.config.settings import Settings
from v6.gateway.sockets import Listener
from v6.journal import restarts
from v6.model import Contract
from v6.restart.manager import TWSRestartManager
from v6.restart.records.difference import Difference, RolledBack, compare, rolled_back
from v6.restart.records.document import Flaw
from v6.restart.records.report import StepBook, Verdict
from v6.restart.records.state_file import StateRefused, TradingStateManager
from v6.restart.records.state_reader import StateReader
from v6.restart.records.trading_state import TradingState
from v6.restart.recovery import before
from v6.restart.recovery.before import Before
from v6.restart.recovery.proofs import Proven, of_kind
from v6.restart.recovery.reconnect import NotReached, Patience, Reconnect, Sightings
from v6.restart.recovery.restore import next_order_ids, run_scanners
from v6.restart.recovery.validator import Demands, PostRestartValidator, Validation
from v6.restart.states import Event, State, WrongStep
from v6.restart.windows import Occurrence

if TYPE_CHECKING:
    from v6.gateway.client import Gateway
    from v6.gateway.connection import Log
    from v6.gateway.process import TwsProcess

PHASE = "post_restart"
VALIDATION_SECONDS = 60.0
"""Kept back from the time for reaching TWS, for what has to follow."""
AT_LEAST_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a recovery works with. `door` gives a gateway of a client id, not yet open; `deadline` is monotonic;
    `subscriptions`: what to prove when no state was saved."""

    settings: Settings
    db: sqlite3.Connection
    manager: TWSRestartManager
    states: TradingStateManager
    process: "TwsProcess"
    look: Callable[[], Listener | None]
    door: Callable[[int], "Gateway"]
    market_open: Callable[[], bool]
    subscriptions: Callable[[], Sequence[Contract]]
    log: "Log"
    deadline: float


@dataclass(slots=True)
class Recovered:
    """What was found, filled step by step."""

    occurrence: Occurrence
    row: restarts.Restart
    before: TradingState | None = None
    refused: StateRefused | None = None
    old: timedelta | None = None  # so long out of date was `before`, which is compared all the same
    seen: Sightings = field(default_factory=Sightings)
    not_reached: NotReached | None = None
    connected_at: datetime | None = None
    validation: Validation | None = None
    after: TradingState | None = None
    difference: Difference | None = None
    rolled_back: tuple[RolledBack, ...] = ()
    notes: list[Finding] = field(default_factory=list)
    observed: str = "unknown"
    recovery_seconds: float | None = None
    book: StepBook = field(default_factory=lambda: StepBook(PHASE))

    @property
    def validated(self) -> bool:
        return self.validation is not None and self.validation.passed

    @property
    def complete(self) -> bool | None:
        """Whether all of what was saved is back; None: there was nothing to compare with."""
        if self.before is None:
            return None
        if self.validation is None or self.difference is None or not self.validated:
            return False
        unproven = of_kind(self.validation.proofs, Proven.NOT)
        return not (unproven or self.difference.unexplained or self.difference.unknown)


class Recovery:
    """One run. `go` never raises for TWS's sake: what could not be done is in what it returns."""

    def __init__(self, around: Surroundings, occurrence: Occurrence, row: restarts.Restart) -> None:
        self._around = around
        self._before = Before()
        self.found = Recovered(occurrence, row)

    async def go(self) -> Recovered:
        found, around = self.found, self._around
        self._step(Event.TWS_BACK, f"post_restart of {found.occurrence} begins", found.occurrence)
        self._load()
        failpoint.reach("post_restart:begun")
        try:
            with found.book.step("reach TWS") as say:
                gateway = await self._reach()
                found.observed = observed(found.row.listener_before, found.seen)
                say(f"{_attempts(found.seen)}, {found.observed.replace('_', ' ')}")
        except NotReached as why:
            found.not_reached, found.seen = why, why.seen
            return found
        try:
            self._connected()
            connected = clock.monotonic()
            with found.book.step("validate and restore"):
                await self._validate(gateway)
            found.recovery_seconds = round(clock.monotonic() - connected, 1)
        finally:
            await gateway.close_async()
        if found.validation is not None and not found.validation.passed:
            around.log.warning(f"not validated: {[str(one) for one in found.validation.findings]}")
        return found

    # the saved state

    def _load(self) -> None:
        """The state of before; one that may not be used is named, and the previous one offered."""
        found, around = self.found, self._around
        self._before = before.load(around.states, around.db, found.row.id, clock.now())
        found.before, found.refused, found.old = self._before.state, self._before.refused, self._before.old
        if refused := found.refused:
            (around.log.info if refused.flaw is Flaw.MISSING else around.log.warning)(str(refused))

    # reaching

    async def _reach(self) -> "Gateway":
        found, around, settings = self.found, self._around, self._around.settings
        left = around.deadline - clock.monotonic() - VALIDATION_SECONDS
        patience = Patience(
            port=settings.tws.startup_seconds,
            total=max(left, AT_LEAST_SECONDS),
            first=settings.restart.reconnect_first_seconds,
            cap=settings.restart.reconnect_cap_seconds,
            hung=settings.tws.hung_after_seconds,
        )
        way = Reconnect(
            around.look,
            lambda: around.door(settings.restart.client_id),
            patience,
            around.log,
            mend_hung=around.process.end_hung,
            mend_absent=around.process.start,
            place=settings.ibkr.place,
            tell=around.manager.tell,
        )
        found.seen = way.seen
        await way.wait_for_port()
        if found.row.outcome == Verdict.WAITING and not way.seen.could_look:
            way.only_once()
        failpoint.reach("post_restart:port_open")
        return await way.connect()

    def _connected(self) -> None:
        found, around = self.found, self._around
        found.connected_at = clock.now()
        listener = found.seen.listener
        restarts.note(
            around.db,
            found.row.id,
            connected_at=found.connected_at,
            observed=found.observed,
            listener_after=listener.words() if listener else "",
            started_at=started_at(found.row.listener_before, listener),
        )
        self._step(Event.CONNECTED, f"connected after {_attempts(found.seen)}")
        failpoint.reach("post_restart:connected")

    # validating and restoring

    async def _validate(self, gateway: "Gateway") -> None:
        found, around = self.found, self._around
        settings = around.settings
        demands = Demands(
            check_symbol=settings.health.check_symbol,
            round_trips=settings.restart.stable_round_trips,
            percent=settings.health.min_complete_percent,
            market_open=around.market_open(),
            seconds=max(around.deadline - clock.monotonic() - settings.restart.hooks.timeout_seconds, AT_LEAST_SECONDS),
        )
        had = found.before
        subscriptions = self._before.subscriptions(clock.now().date()) if had is not None else around.subscriptions()
        accounts = had.accounts if had is not None else ()
        validator = PostRestartValidator(gateway, demands, around.log)
        steady = await validator.stable()
        if steady.state is Checked.FAILED:
            found.validation = Validation((steady,))
            return
        failpoint.reach("post_restart:stable")
        checks, _, scans = await asyncio.gather(
            validator.checks(subscriptions, accounts=accounts),
            self._look_again(gateway),
            run_scanners(gateway, had.scanners if had is not None else ()),
        )
        found.validation = replace(checks, findings=(steady, *checks.findings, self._order_ids(), scans))
        failpoint.reach("post_restart:validated")

    async def _look_again(self, gateway: "Gateway") -> None:
        """Orders, positions and values as they are now, and what became of those of before."""
        found, around = self.found, self._around
        marks = restarts.high_waters(around.db)
        if (had := found.before) is not None:
            marks |= {client: max(mark, marks.get(client, 0)) for client, mark in had.order_ids.items()}
        owners = [one for one in around.settings.restart.owner_client_ids if one != gateway.client_id and one in marks]
        reader = StateReader(gateway, around.db, occurrence=found.occurrence, restart_id=found.row.id)
        after, (next_ids, unknown) = await asyncio.gather(reader.read(), next_order_ids(owners, around.door))
        found.notes += unknown
        found.after = replace(after, next_order_ids={**after.next_order_ids, **next_ids})
        for client_id, next_id in next_ids.items():
            restarts.raise_high_water(around.db, client_id, next_id - 1)
        for change in before.settle(around.db, found.row.id, had, found.after):
            around.log.info(change)
        if had is not None:
            steps = before.steps(around.db, found.row.id, had)
            found.difference = compare(replace(had, order_ids=marks), found.after, steps)
        found.rolled_back = rolled_back(marks, found.after.next_order_ids)

    def _order_ids(self) -> Finding:
        """A roll-back is reported, not a failure: the ids up to the mark are burnt, V6 begins behind them."""
        after = self.found.after
        if after is None:
            return failed("order ids", "TWS has told none")
        if back := self.found.rolled_back:
            return ok("order ids", f"rolled back, those up to the mark are burnt: {'; '.join(map(str, back))}")
        known = ", ".join(f"client {client} goes on at {number}" for client, number in after.next_order_ids.items())
        return ok("order ids", known)

    # where we are

    def conclude(self, event: Event, cause: str) -> None:
        """The last step; a program that watches too may have made some of them before us."""
        manager = self._around.manager
        if event is Event.VALIDATED:
            while manager.current().state is not State.NORMAL:
                now = manager.current().state
                self._step(LEADS_ON.get(now, Event.TWS_BACK), cause)
        else:
            self._step(event, cause)

    def _step(self, event: Event, cause: str, occurrence: Occurrence | None = None) -> None:
        try:
            self._around.manager.step(event, cause, occurrence)
        except WrongStep as wrong:
            self._around.log.warning(f"{wrong}")


LEADS_ON = {
    State.RECONNECTING: Event.CONNECTED,
    State.VALIDATING: Event.VALIDATED,
    State.DEGRADED: Event.VALIDATED,
}


def _attempts(seen: Sightings) -> str:
    return f"{seen.attempts} attempt{'' if seen.attempts == 1 else 's'}"


def observed(before: str, seen: Sightings) -> str:
    """Whether TWS really restarted, from the kernel's table alone (L27); unknown where it could not be read."""
    if seen.saw_closed:
        return "restarted"
    if not before or seen.listener is None:
        return "unknown"
    return "no_restart" if Listener.parse(before).same_as(seen.listener) else "restarted"


def started_at(before: str, listener: Listener | None) -> datetime | None:
    """When the TWS that answers now was started; None: not visible, or the same as before."""
    if listener is None or listener.started_at is None:
        return None
    if before and Listener.parse(before).pid == listener.pid:
        return None
    return listener.started_at
