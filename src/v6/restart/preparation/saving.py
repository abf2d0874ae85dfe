"""Read the trading state before a restart and save it, as far as it could be read, over what an earlier attempt of the
same restart saved: that is the truth about orders which have been cancelled since."""

import asyncio
import sqlite3
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar, cast

from v6 import clock
from v6.journal import restarts
from v6.model import Contract, OpenOrder, Position, V6Error
from v6.restart.records.state_file import TradingStateManager
from v6.restart.records.state_reader import StateReader
from v6.restart.records.trading_state import Part, TradingState, distinct
from v6.restart.windows import Occurrence

if TYPE_CHECKING:
    from collections.abc import Mapping

    from v6.gateway.client import Gateway

T = TypeVar("T")
ASKED_OF_TWS = frozenset(Part) - {Part.SUBSCRIPTIONS}


class NothingRead(V6Error):  # noqa: N818 - it names what happened
    """There is nothing worth replacing the last good state with."""

    recoverable = True


class Saving:
    """`collectors`: what the lake says is collected; may take its time, raises V6Error or OSError."""

    def __init__(
        self,
        db: sqlite3.Connection,
        states: TradingStateManager,
        occurrence: Occurrence,
        restart_id: int,
        collectors: Callable[[], list[Contract]],
    ) -> None:
        self._db = db
        self._states = states
        self._occurrence = occurrence
        self._restart_id = restart_id
        self._collectors = collectors
        self._reader: StateReader | None = None
        self._collected: list[Contract] = []
        self._lacking: tuple[str, ...] = ("the lake was not read in time",)
        self.saved: TradingState | None = None

    @property
    def orders(self) -> tuple[OpenOrder, ...] | None:
        """Open now, of every client; None: they could not be read."""
        state = self._reader.so_far() if self._reader else None
        return state.orders if state is not None and state.why_not(Part.ORDERS) is None else None

    @property
    def positions(self) -> tuple[Position, ...] | None:
        """Held now; None: they could not be read."""
        state = self._reader.so_far() if self._reader else None
        return state.positions if state is not None and state.why_not(Part.POSITIONS) is None else None

    async def read(self, gateway: "Gateway", seconds: float) -> TradingState:
        """Everything at once; what does not answer within `seconds` is named in `partial`."""
        self._reader = StateReader(gateway, self._db, occurrence=self._occurrence, restart_id=self._restart_id)
        state, _ = await asyncio.gather(self._reader.read(seconds), self._look_at_the_lake(seconds))
        return state

    async def _look_at_the_lake(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                self._collected = await beside(self._collectors)
            self._lacking = ()
        except TimeoutError:
            return
        except (V6Error, OSError) as error:
            self._lacking = (f"the lake: {error}",)

    def save(self, next_ids: "Mapping[int, int]") -> TradingState:
        """Save what has been read so far, with `next_ids` of further clients. Raises NothingRead, OSError."""
        if self._reader is None:
            raise NothingRead("nothing was read: the last good state is as it was")
        state = self._reader.so_far()
        if all(state.why_not(part) for part in ASKED_OF_TWS):
            raise NothingRead(f"nothing was read ({state.partial[0]}): the last good state is as it was")
        for client_id, next_id in next_ids.items():
            restarts.raise_high_water(self._db, client_id, next_id - 1)
        state = replace(
            state,
            subscriptions=distinct((*self._collected, *state.subscriptions)),
            partial=(*state.partial, *self._without_the_lake(state)),
            order_ids=restarts.high_waters(self._db),
            next_order_ids={**state.next_order_ids, **next_ids},
        ).merged_with(self._states.earlier(self._restart_id, clock.now()))
        path = self._states.save(state)
        restarts.note(self._db, self._restart_id, state_file=str(path))
        self.saved = state
        return state

    def _without_the_lake(self, state: TradingState) -> tuple[str, ...]:
        if state.why_not(Part.SUBSCRIPTIONS) is not None:
            return ()
        return tuple(f"{Part.SUBSCRIPTIONS}: {why}" for why in self._lacking)


async def beside(work: Callable[[], T]) -> T:
    """`work` in a thread that nobody waits for when the time is up (a lake may be behind a slow network)."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[T] = loop.create_future()

    def tell(result: T | None, error: BaseException | None) -> None:
        if done.cancelled():
            return
        if error is not None:
            done.set_exception(error)
        else:
            done.set_result(cast(T, result))

    def run() -> None:
        result, failed = None, None
        try:
            result = work()
        except BaseException as error:  # it is raised where it is awaited
            failed = error
        with suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(tell, result, failed)

    threading.Thread(target=run, daemon=True, name="beside").start()
    return await done
