"""Named steps, one after the other, inside one time limit: what has not been done by then is cut off and reported.

    shutdown = GracefulShutdown(limit=timedelta(seconds=115), book=StepBook("pre_restart"), cut=abort_connections)
    await shutdown.run([Step("read the state", read), Step("say goodbye", leave), Step("report", tell, always=True)])

A step that fails does not keep the next ones from being tried: before TWS goes, half of it is better than nothing.
"""

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from datetime import timedelta

from v6 import clock
from v6.gateway.connection import Log, Silent
from v6.model import FatalError, V6Error
from v6.restart.records.report import Outcome, StepBook

Work = Callable[[], Awaitable[str]]
"""Does the step and says in a few words what it did. Raises Undone with what it did not do."""


class Undone(V6Error):  # noqa: N818 - it names what happened
    """A step has ended without reaching all of its goal."""

    recoverable = True


class NothingToDo(Exception):  # noqa: N818 - it names what happened
    """The step does not apply; its message says why."""


@dataclass(frozen=True, slots=True)
class Step:
    """`reached` is called with `name` when the step is over. `always`: also tried after the limit, so it must be
    quick by itself."""

    name: str
    work: Work
    always: bool = False


class GracefulShutdown:
    """Runs steps until `limit` is over. `cut` then ends every connection by force (RST), once."""

    def __init__(
        self,
        limit: timedelta,
        book: StepBook,
        cut: Callable[[], Awaitable[None]],
        reached: Callable[[str], None] = lambda _: None,
        log: Log | None = None,
    ) -> None:
        self._until = clock.monotonic() + limit.total_seconds()
        self._limit = limit
        self._book = book
        self._cut = cut
        self._reached = reached
        self._log = log or Silent()
        self.undone: list[str] = []
        """`step: what is missing`, of every step that did not reach its goal."""
        self.forced = False

    def left(self) -> float:
        """Seconds until the limit."""
        return max(0.0, self._until - clock.monotonic())

    async def run(self, steps: Iterable[Step]) -> None:
        """Raises only what no step expected, and FatalError."""
        for step in steps:
            if self.left() or step.always:
                await self._take(step)
            else:
                self._note(step, Outcome.SKIPPED, 0.0, "not begun: the time was up", missing=True)
            self._reached(step.name)

    async def _take(self, step: Step) -> None:
        started = clock.monotonic()
        limit = asyncio.timeout(None if step.always else self.left())
        try:
            async with limit:
                detail = await step.work()
        except NothingToDo as why:
            self._note(step, Outcome.SKIPPED, clock.monotonic() - started, str(why))
        except FatalError:
            raise
        except (V6Error, OSError, sqlite3.OperationalError) as error:
            if limit.expired():
                await self._force(step, started)
            else:
                self._note(step, Outcome.FAILED, clock.monotonic() - started, str(error), missing=True)
        else:
            self._note(step, Outcome.DONE, clock.monotonic() - started, detail)

    async def _force(self, step: Step, started: float) -> None:
        words = f"cut off: the {self._limit.total_seconds():g} s were over, the connection was reset"
        self._note(step, Outcome.FAILED, clock.monotonic() - started, words, missing=True)
        self.forced = True
        await self._cut()

    def _note(self, step: Step, outcome: Outcome, seconds: float, detail: str, *, missing: bool = False) -> None:
        self._book.add(step.name, outcome, seconds, detail)
        (self._log.warning if missing else self._log.info)(f"{step.name}: {outcome}: {detail}")
        if missing:
            self.undone.append(f"{step.name}: {detail}")
