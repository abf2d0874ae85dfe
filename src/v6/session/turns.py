"""One collector in the market session: the slot it holds ahead, and the cycle that is at work."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from v6.runner.slot_claims import SlotClaims
from v6.session import slots
from v6.session.cycle import Cycle

LATEST = timedelta(seconds=30)
"""A slot that is longer ago has passed while nobody looked: cron's run has it."""

Begin = Callable[[datetime, SlotClaims], Cycle]
"""Starts the cycle of a slot whose claim is held."""


class Turns:
    """Holds the claim of its next slot while the connection is usable: cron's run of that slot then waits. A slot that
    somebody else has, or that was not claimed before its instant, stays with cron."""

    def __init__(self, claims: SlotClaims, begin: Begin) -> None:
        self._claims = claims
        self._begin = begin
        self._ahead: datetime | None = None
        self._cycle: Cycle | None = None
        self.begun = 0

    @property
    def running(self) -> bool:
        return self._cycle is not None and self._cycle.running

    @property
    def stuck(self) -> bool:
        return self._cycle is not None and self._cycle.stuck

    @property
    def ahead(self) -> datetime | None:
        """The slot that is claimed ahead."""
        return self._ahead

    def look(self, planned: Sequence[datetime], now: datetime, *, usable: bool) -> None:
        """Begin what is due, claim what is next. `planned`: the day's slots, ascending."""
        if self._ahead is not None and (not usable or self._ahead not in planned):
            self.give_up()
        if self._ahead is not None and slots.has_come(self._ahead, now):
            self._due(self._ahead, now)
        if self._ahead is None and usable:
            following = slots.following(planned, now)
            if following is not None and self._claims.take(following):
                self._ahead = following

    def give_up(self) -> None:
        """The slot that is claimed ahead; the one at work keeps its claim until its cycle has ended."""
        if self._ahead is not None:
            self._claims.give_up(self._ahead)
            self._ahead = None

    def close(self) -> None:
        """Gives every claim up; of a slot that is still at work only the end of the process does."""
        self.give_up()
        if not self.running:
            self._claims.close()

    def _due(self, slot: datetime, now: datetime) -> None:
        if self.running or now.timestamp() - slot.timestamp() > LATEST.total_seconds():
            self.give_up()
            return
        self._ahead = None
        self.begun += 1
        self._cycle = self._begin(slot, self._claims)
