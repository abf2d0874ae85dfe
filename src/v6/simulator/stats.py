"""What happened, for tests and rehearsals to judge a client by."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Stats:
    """Counts since the start. `breaches`: seconds in which a client sent too many messages (error 100).

    `internal_errors`: defects of the simulator itself; anything above 0 is a bug to report.
    """

    connections: int = 0
    clients: int = 0
    peak_clients: int = 0
    messages_received: int = 0
    messages_sent: int = 0
    most_in_a_second: int = 0
    lines: int = 0
    peak_lines: int = 0
    breaches: int = 0
    struck_out: int = 0
    drops: int = 0
    restarts: int = 0
    resets: int = 0
    internal_errors: int = 0
    requests: Counter[int] = field(default_factory=Counter)
    errors: Counter[int] = field(default_factory=Counter)
    ticked: int = 0
    looks: int = 0
    late_rounds: int = 0

    def as_dict(self) -> dict[str, Any]:
        return {
            name: {str(key): count for key, count in sorted(value.items())} if isinstance(value, Counter) else value
            for name, value in vars(self).items()
        }
