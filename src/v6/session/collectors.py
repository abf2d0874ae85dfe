"""All collectors of the market session: their turns, and what each of their cycles is given."""

import threading
from argparse import Namespace
from datetime import datetime
from functools import partial

from v6 import clock
from v6.model import Contract
from v6.runner.context import Context
from v6.runner.slot_claims import SlotClaims
from v6.session.context import SessionContext
from v6.session.cycle import Cycle
from v6.session.keeper import Keeper
from v6.session.live import Live
from v6.session.rules import Rules
from v6.session.turns import Turns

OURS = 2 / 3
"""A cycle's share of the collector's attempt, and of what is left of its slot: the rest is that of cron's run, which
waits meanwhile and collects what the cycle did not."""


class Collectors:
    """Those that `rules` names. On the session's event loop; the cycles are in threads of their own."""

    def __init__(self, ctx: Context, rules: Rules, keeper: Keeper, live: Live) -> None:
        self._ctx = ctx
        self._rules = rules
        self._keeper = keeper
        self._live = live
        self._turns: dict[str, Turns] = {}
        self._stocks: dict[str, Contract] = {}
        self.ending = threading.Event()
        """Set: cycles at work end as soon as they wait or ask."""
        keeper.listeners.append(self._connection_changed)

    @property
    def begun(self) -> int:
        """Cycles so far."""
        return sum(turns.begun for turns in self._turns.values())

    @property
    def at_work(self) -> list[str]:
        return [task for task, turns in self._turns.items() if turns.running]

    @property
    def stuck(self) -> list[str]:
        return [task for task, turns in self._turns.items() if turns.stuck]

    def look(self, now: datetime) -> None:
        """Begin the cycles that are due, claim the slots that are next."""
        for task in [*self._rules.plan.tasks, *self._turns]:
            if task not in self._turns:
                self._turns[task] = Turns(SlotClaims(self._ctx.paths.locks, task), partial(self._begin, task))
            self._turns[task].look(self._rules.plan.slots.get(task, ()), now, usable=self._keeper.usable)

    def seconds_to_slot(self) -> float | None:
        """Until the next slot that is claimed; None: none is."""
        now = clock.epoch()
        return min((turns.ahead.timestamp() - now for turns in self._turns.values() if turns.ahead), default=None)

    def give_up(self) -> None:
        """Every slot that is claimed ahead."""
        for turns in self._turns.values():
            turns.give_up()

    def close(self) -> None:
        for turns in self._turns.values():
            turns.close()

    def _connection_changed(self, usable: bool) -> None:
        if not usable:
            self.give_up()

    def _begin(self, task: str, slot: datetime, claims: SlotClaims) -> Cycle:
        cycle = Cycle(self._context(task, slot), self._rules.plan.tasks[task], claims)
        cycle.start()
        return cycle

    def _context(self, task: str, slot: datetime) -> SessionContext:
        ctx, config, planned = self._ctx, self._rules.config, self._rules.plan.tasks[task]
        seconds = min(config.settings.session.cycle_seconds, OURS * planned.timeout)
        if planned.deadline:
            seconds = min(seconds, OURS * (planned.deadline - (clock.epoch() - slot.timestamp())))
        return SessionContext(
            task=task,
            slot=slot,
            args=Namespace(),
            config=config,
            paths=ctx.paths,
            log=ctx.log.bind(task=task),
            deadline=clock.monotonic() + seconds,
            stocks=self._stocks,
            keeper=self._keeper,
            live=self._live,
            ending=self.ending,
        )
