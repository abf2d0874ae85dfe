"""TWS as a running program of this host that has not opened its API port: it opens it only after the login [observed:
clients are refused while the second factor is pending, gnzsnz/ib-gateway-docker#227]."""

from collections.abc import Iterator
from dataclasses import dataclass

import psutil

from v6 import clock

MAIN_CLASSES = ("install4j.jclient.LoginFrame", "install4j.ibgateway.GWClient", "ibcalpha.ibc.Ibc")
"""What stands on the command line of TWS's and the Gateway's Java, and of IBC's that starts them [their scripts]."""
IBC_COMMAND_PORT = 7462
"""IBC's own, in TWS's process [its config.ini]: no API port."""
STARTING_SECONDS = 180.0
"""TWS is cold for two to three minutes."""


@dataclass(frozen=True, slots=True)
class TwsProgram:
    pid: int
    name: str
    seconds: float  # since it was started

    @property
    def still_starting(self) -> bool:
        return self.seconds < STARTING_SECONDS

    def listens(self) -> list[int] | None:
        """The ports it listens on; None: hidden from this user, or it has just ended."""
        try:
            found = psutil.Process(self.pid).net_connections("tcp")
        except (psutil.Error, OSError):
            return None
        return sorted({each.laddr.port for each in found if each.status == psutil.CONN_LISTEN} - {IBC_COMMAND_PORT})

    def __str__(self) -> str:
        return f"{self.name} (pid {self.pid}), started {self.seconds / 60:.0f} min ago"


def running() -> list[TwsProgram]:
    """Those whose command line this user may see, the oldest first."""
    return sorted(_running(), key=lambda program: -program.seconds)


def _running() -> Iterator[TwsProgram]:
    now = clock.epoch() - clock.offset()
    for process in psutil.process_iter(["cmdline", "name", "create_time"]):
        words = process.info["cmdline"] or []
        if any(word.startswith(MAIN_CLASSES) for word in words):
            yield TwsProgram(process.pid, process.info["name"], now - process.info["create_time"])
