"""The message rate of one client: what is over it is refused with error 100, and the third time ends the connection."""

from typing import TYPE_CHECKING

from v6 import clock
from v6.simulator import errors
from v6.simulator.limits import MessageMeter, Verdict

if TYPE_CHECKING:
    from v6.simulator.session import Session


class Rate:
    def __init__(self, session: "Session") -> None:
        options = session.server.options
        self._session, self._queues = session, options.rate == "queue"
        self._meter = MessageMeter(options.messages_a_second, options.strikes)

    def wait(self) -> float:
        """Seconds that the next message has to wait."""
        return self._meter.wait(clock.monotonic()) if self._queues else 0.0

    def admits(self, arrived: float) -> bool:
        """Whether a message that came then is within the rate; one that had to wait comes now."""
        session, meter = self._session, self._meter
        stats, verdict = session.server.stats, meter.count(clock.monotonic() if self._queues else arrived)
        stats.most_in_a_second = max(stats.most_in_a_second, meter.counted)
        if verdict is Verdict.WARNED:
            code, text = errors.NEAR_RATE
            session.error(-1, code, text.format(most=meter.most, count=meter.counted))
        elif verdict is Verdict.STRIKE:
            stats.breaches += 1
            session.error(-1, errors.MAX_RATE, f"Max rate of messages per second has been exceeded:max={meter.most} "
                          f"rec={meter.counted} ({meter.strikes})")  # fmt: skip
            if meter.struck_out:
                stats.struck_out += 1
                session.vanished = True
                session.finish("three breaches of the message rate")
        return verdict in (Verdict.ACCEPTED, Verdict.WARNED)
