"""What a diagnosis can find between us and TWS: a closed set, what each means, what to do, and whether trying again
may help. docs/connection.md is held to this table."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any


class Verdict(StrEnum):
    HEALTHY = "healthy"
    REFUSED = "refused"
    UNREACHABLE = "host_unreachable"
    NOTHING_BEHIND = "nothing_behind_the_port"
    ACCEPT_QUEUE_STUCK = "accept_queue_stuck"
    MUTE_AFTER_TCP = "mute_after_tcp"
    MUTE_AFTER_HANDSHAKE = "mute_after_handshake"
    WAITING_FOR_DIALOG = "waiting_for_a_dialog"
    VERSION_TOO_OLD = "version_too_old"
    CLIENT_ID_IN_USE = "client_id_in_use"
    NO_ACCOUNT = "no_account"
    FARMS_DOWN = "farms_down"
    NO_MARKET_DATA = "market_data_not_flowing"
    COULD_NOT_CHECK = "could_not_check"


@dataclass(frozen=True, slots=True)
class Row:
    """`exit_code`: 0 well, 1 may mend itself or by another try, 2 needs a person or a change of settings."""

    words: str
    meaning: str
    cure: str
    exit_code: int


TABLE: dict[Verdict, Row] = {}


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """`place` is host:port; `detail` what is special about this case (which id, whose, which farms, TWS's words);
    `evidence` lines in the order they were found; `wire` facts: seconds to connect, bytes received ...; `sockets`
    the kernel's rows of the port, see `gateway.port_sockets`; `seconds` how long it took; `at` when, New York."""

    verdict: Verdict
    place: str
    detail: str
    evidence: tuple[str, ...]
    at: datetime
    seconds: float
    client_id: int | None = None
    wire: dict[str, Any] = field(default_factory=dict)
    sockets: dict[str, Any] = field(default_factory=dict)
