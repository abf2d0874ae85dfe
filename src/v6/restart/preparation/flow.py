"""What is done before TWS restarts, step by step (`GracefulShutdown` runs them): the flow of pre_restart without its
edges. Everything it needs is passed in; nothing here knows how a job is started."""

import sqlite3
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from v6 import clock
from v6.config.settings import Restart as Settings
from v6.gateway.connection import Log
from v6.gateway.connection_budget import ConnectionBudgetSpent
from v6.gateway.errors import ConnectFailed, NoClientId
from v6.gateway.sockets import Listener
from v6.journal import events, restarts
from v6.model import Contract
from v6.restart.hooks import run_hooks
from v6.restart.manager import TWSRestartManager
from v6.restart.preparation import cancelling
from v6.restart.preparation.cancel_policy import in_words, require_allowed
from v6.restart.preparation.graceful_shutdown import GracefulShutdown, NothingToDo, Step, Undone
from v6.restart.preparation.making_room import MakingRoom
from v6.restart.preparation.order_work import OrderWork
from v6.restart.preparation.owners import Owners
from v6.restart.preparation.reaching import Reaching
from v6.restart.preparation.saving import Saving
from v6.restart.records.document import Flawed
from v6.restart.records.report import RestartReport, StepBook, Verdict
from v6.restart.records.report_files import ReportFiles, encoded
from v6.restart.records.state_file import TradingStateManager
from v6.restart.states import Event
from v6.restart.windows import Occurrence, seconds_between

if TYPE_CHECKING:
    from v6.gateway.client import Gateway

PHASE = "pre_restart"
READ_SECONDS = 30.0
LAST_SECONDS = 5.0
"""Kept for what is done after the limit too: goodbye, hooks, report."""
SHORTEST_HOOK_SECONDS = 2.0
QUIET = timedelta(hours=6)
STEPS = (
    "warned",
    "others_ended",
    "connected",
    "state_read",
    "state_saved",
    "cancel_intended",
    "cancel_sent",
    "orders_cancelled",
    "close_intended",
    "close_sent",
    "positions_closed",
    "verified",
    "disconnected",
    "hooks_run",
    "reported",
)
"""Where a kill is tested: failpoints `pre_restart:<step>`, in this order; of cancels and closings one an order."""


@dataclass(frozen=True)
class Surroundings:
    """What the job passes in. `opener`: a gateway, not yet open, for a client id (None: one of the pool); `look`: who
    listens on the API port (raises CannotLook); `collectors`: what the lake says is collected; `needing_tws`: tasks
    whose runs are ended; `place`: host:port of TWS as messages call it."""

    db: sqlite3.Connection
    settings: Settings
    task: str
    log: Log
    locks: Path
    leases: Path
    opener: "Callable[[int | None], Gateway]"
    look: Callable[[], Listener | None]
    collectors: Callable[[], list[Contract]]
    needing_tws: Collection[str]
    states: TradingStateManager
    reports: ReportFiles
    manager: TWSRestartManager
    place: str = ""


class Preparation:
    """One preparation of one restart. Afterwards `undone` is what was not reached, in words."""

    def __init__(
        self, given: Surroundings, occurrence: Occurrence, limit: timedelta, reach: Callable[[str], None]
    ) -> None:
        self.given = given
        self.occurrence = occurrence
        self.row = restarts.begin(given.db, occurrence.name, occurrence.start, occurrence.end, anew=True)
        self.orders = OrderWork(given.db, given.settings, self.row.id, reach, self._alert)
        self.saving = Saving(given.db, given.states, occurrence, self.row.id, given.collectors)
        self._ends = clock.monotonic() + limit.total_seconds()
        self._book = StepBook(PHASE)
        self._shutdown = GracefulShutdown(
            limit - timedelta(seconds=LAST_SECONDS), self._book, self._cut, reach, given.log
        )
        self._warnings: list[str] = []
        self._room = MakingRoom(given.db, given.locks, given.leases, given.task, given.settings.essential_tasks)
        self._gateway: Gateway | None = None
        self._owners: Owners | None = None
        self._reaching = Reaching(
            given.look, lambda: given.opener(given.settings.client_id), self._left, self._gone, given.place
        )

    @property
    def away(self) -> str:
        """How TWS was seen to be away, and has not come back; "" when it was reached."""
        return self._reaching.evidence if self._gateway is None else ""

    @property
    def undone(self) -> list[str]:
        return [*self._shutdown.undone, *map(cancelling.words, self.orders.cancels.undone())]

    def summary(self) -> str:
        """What was reached, in a line."""
        steps = self.orders.steps()
        outcomes = [f"{count} {outcome}" for outcome, count in sorted(Counter(s.outcome for s in steps).items())]
        saved = next((step.detail for step in self._book.steps if step.name == "state_saved"), "nothing")
        return f"saved {saved}; orders: {', '.join(outcomes) or 'none to cancel'}"

    async def run(self) -> None:
        """Every step. Raises PolicyRefused before anything is touched, Busy when another restart job does not end."""
        try:
            self._room.lock_at_once()
            await self._require_allowed()
            await self._shutdown.run(
                (
                    Step("warned", self._warn),
                    Step("others_ended", self._end_others),
                    Step("connected", self._connect),
                    Step("state_read", self._read),
                    Step("state_saved", self._save, always=True),
                    Step("orders_cancelled", self._cancel),
                    Step("positions_closed", self._close),
                    Step("verified", self._verify),
                    Step("disconnected", self._leave, always=True),
                    Step("hooks_run", self._run_hooks, always=True),
                    Step("reported", self._write_report, always=True),
                )
            )
        finally:
            await self._cut()
            self._room.close()

    # before anything is touched

    async def _require_allowed(self) -> None:
        """A global cancel that is not allowed is refused now: TWS must say whose account it is."""
        settings = self.given.settings
        if settings.cancel != "all" or settings.allow_global_cancel or self._reaching.listening() is None:
            return
        try:
            async with self.given.opener(None) as gateway:
                require_allowed(settings, gateway.accounts)
        except (ConnectFailed, NoClientId, ConnectionBudgetSpent) as error:  # it is asked again when it matters
            self.given.log.warning(f"whose account it is could not be asked: {error}")

    # the steps

    async def _warn(self) -> str:
        given, occurrence = self.given, self.occurrence
        given.manager.step(Event.WINDOW_NEAR, f"{occurrence} is near", occurrence)
        told = f"{occurrence}. V6 saves the trading state and disconnects. {in_words(given.settings)}"
        self._alert("info", f"restart window {occurrence.name} begins at {occurrence.start:%H:%M}", [told], "near")
        return str(occurrence)

    def _alert(self, severity: str, title: str, lines: Sequence[object], key: str) -> None:
        events.raise_alert(
            self.given.db,
            severity=severity,
            title=title,
            body="\n".join(map(str, lines)),
            key=f"pre_restart {key} {self.occurrence.key}",
            task=self.given.task,
            quiet=QUIET,
        )

    async def _end_others(self) -> str:
        return await self._room.end_others(self.given.needing_tws)

    async def _connect(self) -> str:
        reaching = self._reaching
        self._gateway = gateway = await reaching.gateway()
        require_allowed(self.given.settings, gateway.accounts)
        if reaching.evidence:
            back = f"TWS was away {reaching.away_seconds:.0f} s before its window and is back: it came early"
            self._warnings.append(f"{back}; the state is the one after that")
        return f"client {gateway.client_id}, {', '.join(gateway.accounts)}"

    def _left(self) -> float:
        """Seconds until the limit, or until the window begins."""
        return min(self._shutdown.left(), seconds_between(clock.now(), self.occurrence.start))

    def _gone(self, evidence: str) -> None:
        restarts.outage(self.given.db, "refused", evidence, self.given.task)
        if self.row.away_at is None:
            restarts.note(self.given.db, self.row.id, away_at=clock.now())

    def _connected(self) -> "Gateway":
        if self._gateway is None or self._shutdown.forced:
            raise NothingToDo("there is no connection")
        return self._gateway

    async def _read(self) -> str:
        gateway, settings = self._connected(), self.given.settings
        if settings.cancel == "own":
            self._owners = Owners(self.given.opener, gateway, settings.owner_client_ids)
        state = await self.saving.read(gateway, min(READ_SECONDS, self._shutdown.left() / 2))
        return f"{len(state.orders)} open orders, {len(state.positions)} positions of {', '.join(state.accounts)}"

    async def _save(self) -> str:
        if self._gateway is None:
            raise NothingToDo("nothing was read: the last good state is as it was")
        state = self.saving.save(self._owners.next_ids() if self._owners else {})
        if state.partial:
            raise Undone(f"saved, but only partly: {'; '.join(state.partial)}")
        counts = f"{len(state.orders)} orders, {len(state.positions)} positions, {len(state.scanners)} scanners"
        return f"{counts}, {len(state.subscriptions)} subscriptions"

    async def _cancel(self) -> str:
        seconds = min(cancelling.CONFIRM_SECONDS, self._shutdown.left() / 2)
        return await self.orders.cancel(self._connected(), self._owners, self.saving, seconds)

    async def _close(self) -> str:
        return await self.orders.close(self._connected())

    async def _verify(self) -> str:
        return await self.orders.verify(self._connected(), self.saving)

    async def _leave(self) -> str:
        given, gateway = self.given, self._gateway
        self.orders.tell_of_doubts()
        if self._owners is not None:
            await self._owners.close()
        if gateway is not None:
            await gateway.close_async()
        self._note_listener()
        cancelled = sum(step.outcome == "cancelled" for step in self.orders.cancels.steps())
        restarts.note(given.db, self.row.id, prepared_at=clock.now(), orders_cancelled=cancelled)
        if self.away:
            given.manager.step(Event.TWS_GONE, f"TWS is away before its window: {self.away}", self.occurrence)
            return "there was no connection"
        cause = f"not everything: {'; '.join(self.undone)}" if self.undone else f"saved, {cancelled} orders cancelled"
        given.manager.step(Event.PREPARED, cause, self.occurrence)
        return "by force, before" if self._shutdown.forced else "cleanly"

    def _note_listener(self) -> None:
        """The first one counts: another one now means that TWS has restarted since an earlier attempt."""
        now = self._reaching.listening()
        if not isinstance(now, Listener):
            return
        if not self.row.listener_before:
            restarts.note(self.given.db, self.row.id, listener_before=now.words())
        elif not now.same_as(Listener.parse(self.row.listener_before)):
            self._warnings.append(f"TWS has restarted meanwhile: {self.row.listener_before} listened, now {now}")

    async def _run_hooks(self) -> str:
        hooks = self.given.settings.hooks
        if not hooks.pre_restart:
            raise NothingToDo("restart.hooks.pre_restart names none")
        seconds = max(SHORTEST_HOOK_SECONDS, min(hooks.timeout_seconds, self._ends - clock.monotonic() - 1.0))
        ran = await run_hooks(hooks.pre_restart, encoded(self._report()).decode(), seconds, self.given.log)
        self._warnings += [f"hook {run}" for run in ran if run.trouble]
        return "; ".join(map(str, ran))

    async def _write_report(self) -> str:
        path = self.given.reports.save(self._report())
        restarts.note(self.given.db, self.row.id, report=str(path))
        return path.name

    def _report(self) -> RestartReport:
        verdict = Verdict.PREPARED if self.saving.saved is not None else Verdict.DEGRADED
        report = self._earlier_report() or RestartReport.begin(self.occurrence, self.row.id, verdict)
        return replace(
            report.with_steps(self._book.steps).with_orders(self.orders.steps()),
            verdict=verdict,
            cause="; ".join(self.undone),
            exit_code=1 if self.undone else 0,
            before=self.saving.saved or report.before,
            state_file=str(self.given.states.path) if self.saving.saved else report.state_file,
        ).warned(*self.orders.warnings, *self._warnings)

    def _earlier_report(self) -> RestartReport | None:
        """Of an attempt before this one."""
        try:
            return self.given.reports.of_restart(self.occurrence.name, self.occurrence.start, self.row.id)
        except Flawed as flawed:
            self._warnings.append(f"the report of an earlier attempt cannot be read: {flawed}")
            return None

    async def _cut(self) -> None:
        """End what is still connected, by force."""
        if self._owners is not None:
            await self._owners.abort()
        if self._gateway is not None:
            await self._gateway.abort_async()
