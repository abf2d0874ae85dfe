"""How long ago something was, for spans of minutes that a rehearsal shortens."""

from v6 import clock


class Since:
    """From now on, on the host's clock or on the one that a rehearsal steps, whichever has gone further."""

    def __init__(self) -> None:
        self._monotonic, self._epoch = clock.monotonic(), clock.epoch()

    def seconds(self) -> float:
        return max(clock.monotonic() - self._monotonic, clock.epoch() - self._epoch)
