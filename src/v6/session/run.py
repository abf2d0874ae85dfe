"""The market session's main loop: one connection, and on it a cycle at each slot of each collector.

The loop looks at the clock ten times a second, so that it is at its slots to the instant, also on a clock that a
rehearsal steps. Everything that could take long is elsewhere: the connection's watch in the keeper's task, each cycle
in a thread of its own. The session ends by itself (`Rules.why_over`, a restart of TWS, its memory), or by a signal.
"""

import asyncio
import signal
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

from v6 import clock
from v6.journal import connections, database
from v6.model import RecoverableError, SkipRun
from v6.restart.manager import TWSRestartManager
from v6.restart.states import State
from v6.runner import signals
from v6.runner.context import Context
from v6.session.collectors import Collectors
from v6.session.cycle import prepare
from v6.session.keeper import Keeper
from v6.session.live import Live, place
from v6.session.memory import resident_mb
from v6.session.rules import Rules
from v6.session.status import StatusRow
from v6.session.watchdog import Watchdog

LOOK_EVERY = 0.1
JUDGE_EVERY = 1.0
FINISHING = 30.0
"""Seconds that a cycle at work has when the session ends by itself; what it does not finish is cron's."""
LAST_WORD = 4.0
"""Seconds for cycles that have lost their connection: to store what they have and to say why they have no more."""
SIGNALS = (signal.SIGTERM, signal.SIGINT)
UNPROVEN = (State.PRE_RESTART, State.RESTARTING, State.RECONNECTING, State.VALIDATING)
"""No session begins while TWS is on its way down or up. One that is at work ends only for the first: pre_restart waits
for its end, and what comes without it is TWS gone by itself, after which the session connects again by itself."""
READ_AT = 30
"""The second of each minute at which the rules are read again: slots begin at the full minute."""


def run(ctx: Context) -> str:
    """The session, from the start to its end; a summary. In the main thread.

    Raises SkipRun when there is nothing to hold a connection for, Terminated after a signal, and RecoverableError when
    only a new process helps."""
    if words := _restarting(ctx, UNPROVEN):
        raise SkipRun("restart_window", words)
    rules = Rules(ctx)
    prepare(rules.plan.tasks.values())
    return asyncio.run(MarketSession(ctx, rules).run())


class MarketSession:
    """One session, on one event loop."""

    def __init__(self, ctx: Context, rules: Rules) -> None:
        self._ctx = ctx
        self._rules = rules
        live = Live(place(ctx.paths), ctx.log)
        home = ctx.paths.home
        logs = home / ctx.config.scheduler.log_directory
        self._status = StatusRow(ctx.paths.journal, connections.SESSION, ctx.log, home=home, log_directory=logs)
        self._keeper = Keeper(
            ctx.settings.session,
            opener=lambda: ctx.unsaid_gateway("checks"),
            market_open=lambda: rules.market_open,
            status=self._status,
            live=live,
            log=ctx.log,
        )
        self._collectors = Collectors(ctx, rules, self._keeper, live)
        self._signal: signal.Signals | None = None
        self._read_in = _minute_of_reading()
        self._judged_at = 0.0

    async def run(self) -> str:
        why = ""
        self._ctx.log.info("{}", self._rules.plan_in_words())
        with self._signals_taken(), Watchdog(self._ctx.log) as watchdog:
            try:
                watch = self._keeper.start()
                while not (why := self._why_over()):
                    watchdog.looked()
                    if watch.done():
                        watch.result()  # raises: it ends by itself only by a defect
                    self._collectors.look(clock.now())
                    self._read_rules()
                    await asyncio.sleep(self._pause())
            finally:
                await self._end(why)
        if self._signal is not None:
            raise signals.Terminated(self._signal)
        return f"{self._collectors.begun} cycles; ended: {why}"

    # while it lasts

    def _read_rules(self) -> None:
        if (minute := _minute_of_reading()) != self._read_in:
            self._read_in = minute
            self._rules.read_again(clock.now())

    def _pause(self) -> float:
        """Seconds until the next look: to the instant of a slot, if one is near."""
        left = self._collectors.seconds_to_slot()
        return LOOK_EVERY if left is None else min(max(left, 0.001), LOOK_EVERY)

    # its end

    def _why_over(self) -> str:
        """In words; empty while it goes on."""
        if self._signal is not None:
            return f"by {self._signal.name}"
        if clock.monotonic() - self._judged_at < JUDGE_EVERY:
            return ""
        self._judged_at = clock.monotonic()
        if stuck := self._collectors.stuck:
            raise RecoverableError(f"the cycle of {', '.join(stuck)} does not end: only a new process helps")
        return self._rules.why_over(clock.now()) or _restarting(self._ctx, UNPROVEN[:1]) or self._too_big()

    def _too_big(self) -> str:
        """After a cycle: a process that has not worked yet would not be smaller the next time."""
        bound = self._rules.config.settings.session.max_memory_mb
        if self._collectors.at_work or not self._collectors.begun or (now := resident_mb()) <= bound:
            return ""
        return f"{now:.0f} MB of memory, more than session.max_memory_mb; its next cron line begins it anew"

    async def _end(self, why: str) -> None:
        """`why` empty: by an error. What is at work may finish, unless a signal or an error is the reason."""
        self._collectors.give_up()
        if why and self._signal is None:
            self._ctx.log.info("ending: {}", why)
            await self._all_done(FINISHING)
        self._collectors.ending.set()
        await self._keeper.close()
        if left := await self._all_done(LAST_WORD):
            self._ctx.log.warning("left to cron in the middle: {}", ", ".join(left))
        self._collectors.close()
        status = connections.RESTART_WINDOW if _restarting(self._ctx, UNPROVEN) else connections.WAITING
        self._status.say(status, f"the session has ended: {why or 'by an error'}")

    async def _all_done(self, seconds: float) -> list[str]:
        """The tasks that are still at work after that time, which a signal cuts short."""
        until, before = clock.monotonic() + seconds, self._signal
        while left := self._collectors.at_work:
            if clock.monotonic() >= until or self._signal is not before:
                return left
            await asyncio.sleep(LOOK_EVERY / 2)
        return []

    @contextmanager
    def _signals_taken(self) -> Iterator[None]:
        """A signal ends the session in order. Afterwards they do again what they did before."""
        loop = asyncio.get_running_loop()
        before = {number: signal.getsignal(number) for number in SIGNALS}
        for number in SIGNALS:
            loop.add_signal_handler(number, self._told_to_end, number)
        try:
            yield
        finally:
            for number, was in before.items():
                loop.remove_signal_handler(number)
                signal.signal(number, was)

    def _told_to_end(self, number: signal.Signals) -> None:
        if self._signal is None:
            self._ctx.log.warning("{}: ending", number.name)
            self._signal = number


def _restarting(ctx: Context, states: Sequence[State]) -> str:
    """Where TWS's restart stands when it is in one of these states; empty otherwise. A journal that is busy, or spoilt,
    is read again a second later: what it cannot say ends no session."""
    with suppress(sqlite3.Error, database.JournalError):
        where = TWSRestartManager(ctx.journal, ()).current()
        if where.state in states:
            return where.words()
    return ""


def _minute_of_reading() -> int:
    return (int(clock.epoch()) - READ_AT) // 60
