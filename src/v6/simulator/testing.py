"""The simulated TWS for tests: in its own thread, on a free loopback port.

    with simulated_tws() as tws:
        ib.connect("127.0.0.1", tws.port, clientId=10)

It is fast and in the middle of a trading day, unless told otherwise. In pytest the same is a fixture, which needs no
import: `def test_it(simulated_tws)`, see v6.simulator.pytest_plugin.
"""

import asyncio
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from v6.clock import NEW_YORK
from v6.simulator.control.arguments import ControlError
from v6.simulator.control.commands import perform
from v6.simulator.faults.model import Faults
from v6.simulator.options import Options, named
from v6.simulator.server import Server
from v6.simulator.stats import Stats

__all__ = ["TRADING_DAY", "ControlError", "SimulatedTWS", "simulated_tws"]

START_SECONDS = 30.0
TRADING_DAY = datetime(2026, 11, 24, 10, 35, tzinfo=NEW_YORK)


class SimulatedTWS:
    """A running simulator. `faults` may be changed directly; `set` also waits until the change is in force."""

    def __init__(self, options: Options) -> None:
        self.server = Server(options)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="simulated-tws", daemon=True)
        self._thread.start()
        try:
            self.port = asyncio.run_coroutine_threadsafe(self.server.start(), self._loop).result(START_SECONDS)
        except BaseException:
            self._end_loop()
            raise
        self.host = options.host

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_forever()

    @property
    def stats(self) -> Stats:
        return self.server.stats

    @property
    def faults(self) -> Faults:
        return self.server.options.faults

    def set(self, **faults: Any) -> None:
        """Change faults by name and return when the port and the sockets show it."""
        for name, value in faults.items():
            if not hasattr(self.faults, name):
                raise AttributeError(f"no fault {name!r}")
            setattr(self.faults, name, value)
        self._call(self.server.watch)

    def control(self, request: dict[str, Any], *, check: bool = True) -> dict[str, Any]:
        """What the control port would answer: `{"do": COMMAND, ...}` -> `{"ok": true, ...}`.

        Raises ControlError, which names what is allowed, where that says `"ok": false`; with check=False gives that.
        """
        answers: list[dict[str, Any]] = []
        self._call(lambda: answers.append(perform(self.server, request)))
        if check and not answers[0]["ok"]:
            raise ControlError(answers[0]["error"])
        return answers[0]

    def drop_all(self) -> None:
        """Reset every connection."""
        self._call(self.server.drop_all)

    def step_to(self, instant: datetime) -> None:
        """Set the simulator's own clock, which runs on from there."""
        self._call(lambda: self.server.time.step_to(instant))
        self._call(self.server.watch)

    def _call(self, action: Callable[[], None]) -> None:
        done: Future[None] = Future()

        def run() -> None:
            try:
                action()
            except BaseException as error:
                done.set_exception(error)
            else:
                done.set_result(None)

        self._loop.call_soon_threadsafe(run)
        done.result(START_SECONDS)

    def require_sound(self) -> None:
        """Raises AssertionError when the simulator itself had a defect, with its tracebacks."""
        if self.stats.internal_errors:
            told = "\n".join(self.server.defects)
            raise AssertionError(f"{self.stats.internal_errors} internal errors of the simulator\n{told}")

    def stop(self) -> None:
        """Close every connection and the port. Safe to call twice."""
        if self._loop.is_closed():
            return
        try:
            asyncio.run_coroutine_threadsafe(self.server.stop(), self._loop).result(START_SECONDS)
        finally:
            self._end_loop()

    def _end_loop(self) -> None:
        asyncio.run_coroutine_threadsafe(self._loop.shutdown_default_executor(), self._loop).result(START_SECONDS)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(START_SECONDS)
        self._loop.close()


@contextmanager
def simulated_tws(
    *, fast: bool = True, start_at: datetime | None = TRADING_DAY, faults: Faults | None = None, **options: Any
) -> Iterator[SimulatedTWS]:
    """Options by name as in `v6.simulator.options.Options`; `fast`: no latency, no limits, everything ticks.

    `start_at`: the simulator's own time, New York; None is the present. `faults`: all faults of the start, in place of
    the 2 % of the options without greeks that a simulator which is not `fast` has; `no_greeks_share=0.02` keeps them.
    """
    chosen = {"port": 0, "start_at": start_at} | options
    running = SimulatedTWS(named(chosen, fast=fast, faults=faults))
    try:
        yield running
    finally:
        running.stop()
    running.require_sound()
