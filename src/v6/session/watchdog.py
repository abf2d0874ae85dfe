"""The end of a session whose event loop hangs: else it keeps its claims, and cron's runs waiting.

with Watchdog(log) as watchdog:
    watchdog.looked()      # each time the loop comes round
"""

import os
import threading
from types import TracebackType
from typing import Self

from v6.gateway.connection import Log

LOOK_EVERY = 5.0
LOOKS = 12
"""So many looks, a minute, without a sign. Looks are counted, not seconds: a process that was stopped goes on."""


class Watchdog:
    def __init__(self, log: Log, look_every: float = LOOK_EVERY) -> None:
        self._log = log
        self._every = look_every
        self._signs = 0
        self._over = threading.Event()

    def looked(self) -> None:
        self._signs += 1

    def __enter__(self) -> Self:
        threading.Thread(target=self._watch, name="watchdog", daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()

    def _watch(self) -> None:
        seen, silent = self._signs, 0
        while not self._over.wait(self._every):
            seen, silent = self._signs, silent + 1 if self._signs == seen else 0
            if silent >= LOOKS:
                self._log.warning(f"the session's loop has hung for {silent * self._every:g} s: ending the process")
                os._exit(1)
