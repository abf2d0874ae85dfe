"""How one simulator is set up. The defaults are real TWS's, on the pessimistic side."""

from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from v6.simulator.faults import Faults

DEFAULT_ACCOUNT = "DU9000001"


@dataclass
class Options:
    """Seconds and counts; a limit of 0 is no limit.

    latency: False answers everything at once. start_at: the simulator's own time instead of v6.clock's.
    occupied_seconds: how long a client id stays in use after its connection ended.
    calendar: a compiled calendar.txt; without one every weekday is a regular session.
    """

    host: str = "127.0.0.1"
    port: int = 7497
    seed: int = 1
    accounts: tuple[str, ...] = (DEFAULT_ACCOUNT,)
    replay: Path | None = None
    scenario: Path | None = None
    calendar: Path | None = None
    start_at: datetime | None = None
    latency: bool = True
    messages_a_second: int = 50
    strikes: int = 3
    lines: int = 100
    clients: int = 32
    occupied_seconds: float = 0.0
    snapshot_seconds: float = 11.0
    first_tick_seconds: tuple[float, float] = (0.15, 0.4)
    greeks_seconds: tuple[float, float] = (0.3, 2.0)
    reply_seconds: float = 0.04
    refresh_seconds: float = 180.0
    faults: Faults = field(default_factory=lambda: Faults(no_greeks_share=0.02))

    def __post_init__(self) -> None:
        for account in self.accounts:
            if not account.startswith("DU9") or len(account) != 9:
                raise ValueError(f"account {account!r}: only ids that cannot be real: DU9 and six digits")

    def fast(self) -> "Options":
        """No latency, no limits, every contract ticks with greeks (unless faults say otherwise)."""
        self.latency = False
        self.messages_a_second = self.lines = self.clients = 0
        self.snapshot_seconds = self.reply_seconds = 0.0
        self.first_tick_seconds = self.greeks_seconds = (0.0, 0.0)
        self.faults.no_greeks_share = 0.0
        return self
