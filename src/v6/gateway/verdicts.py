"""What a diagnosis can find between us and TWS: a closed set, what each means, what to do, and whether trying again
may help. docs/connection.md is held to this table, and the text of a failed connection comes from it too."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from datetime import datetime
from enum import StrEnum
from typing import Any, Self

from v6 import clock
from v6.journal.timestamps import instant, instant_text


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


TABLE: dict[Verdict, Row] = {
    Verdict.HEALTHY: Row(
        "healthy",
        "TWS answers, has its account and its data farms, and market data flow as far as the hour lets that be proven",
        "nothing to do",
        0,
    ),
    Verdict.REFUSED: Row(
        "refused",
        "nothing listens there: TWS is not running, is restarting or waits for its login, its API is off, or the port "
        "is another one",
        "start TWS and sign in (it opens the port only after the login); in its API settings tick 'Enable ActiveX and "
        "Socket Clients' and compare 'Socket port' with ibkr.port: 7497 TWS paper, 7496 TWS live, 4002 Gateway paper, "
        "4001 Gateway live",
        1,
    ),
    Verdict.UNREACHABLE: Row(
        "host unreachable",
        "the host does not answer: wrong name or address, no route, a firewall, or a TWS that is stuck there",
        "check ibkr.host, that the other host is on, and that no firewall or VPN keeps the port from this host; if "
        "other ports of that host answer, restart TWS",
        1,
    ),
    Verdict.NOTHING_BEHIND: Row(
        "open, but nothing behind it",
        "the port is open but no TWS is behind it: a proxy (docker, socat, ssh) without TWS, another program, or a TWS "
        "that does not trust this host",
        "start the TWS behind the proxy, or end whatever else listens there; from another host: untick 'Allow "
        "connections from localhost only' and add this host to 'Trusted IPs' in TWS's API settings",
        1,
    ),
    Verdict.ACCEPT_QUEUE_STUCK: Row(
        "accept queue stuck",
        "TWS listens but takes no new connection: the kernel queues them, running sessions may go on",
        "restart TWS if it is still so in a minute; do not try again and again, each try lengthens the queue",
        1,
    ),
    Verdict.MUTE_AFTER_TCP: Row(
        "mute after TCP",
        "the port is open but TWS does not answer: stuck, starting, waiting for a dialog, or serving the 32 clients it "
        "takes",
        "wait two minutes if TWS has just started; look at its window for a dialog; if it is full, end other clients "
        "(`v6 gateway watch` shows whose they are); else restart TWS",
        1,
    ),
    Verdict.MUTE_AFTER_HANDSHAKE: Row(
        "mute after the handshake",
        "TWS shook hands and then said nothing more, or hung up: it is stuck, or still logging in",
        "wait two minutes if TWS has just started; look at its window for a dialog; else restart TWS",
        1,
    ),
    Verdict.WAITING_FOR_DIALOG: Row(
        "waiting for a dialog",
        "TWS took the connection, read what we said and does not answer: most likely a dialog waits for a person",
        "look at TWS's window (VNC, screen): accept the incoming connection, sign in, or confirm the second factor; "
        "add this host to 'Trusted IPs' in the API settings, so that TWS does not ask again",
        2,
    ),
    Verdict.VERSION_TOO_OLD: Row(
        "version too old",
        "the TWS that listens there speaks only versions of its API that the library does not know any more",
        "update TWS to the current stable release",
        2,
    ),
    Verdict.CLIENT_ID_IN_USE: Row(
        "client id in use",
        "the client id is in use",
        "`v6 gateway clients` shows which runs have which id; another program must use ids outside "
        "ibkr.first_client_id..last_client_id; an id whose owner has gone TWS frees by itself, at its restart at the "
        "latest",
        1,
    ),
    Verdict.NO_ACCOUNT: Row(
        "API up, no account",
        "the API is up but TWS has no account: it is not logged in yet",
        "wait a minute; then look at TWS's window: finish the login or confirm the second factor",
        1,
    ),
    Verdict.FARMS_DOWN: Row(
        "account up, farms down",
        "TWS is logged in, but has lost IBKR or some of its data farms",
        "wait: TWS connects again by itself, at night within the hours of IBKR's server reset; if it lasts by day, "
        "check this host's network and IBKR's system status, then restart TWS",
        1,
    ),
    Verdict.NO_MARKET_DATA: Row(
        "market data not flowing",
        "TWS answers, but live data of the check symbol do not arrive",
        "no subscription or delayed: subscribe in the Client Portal (for the API too) or share the live user's data "
        "with the paper user; competing session: sign the same user out elsewhere; no tick or "
        "frozen: look at a chart in TWS, then restart it; all lines in use: end other programs' market data, shorten "
        "the watch lists in TWS",
        2,
    ),
    Verdict.COULD_NOT_CHECK: Row(
        "could not check",
        "the check itself could not be made: that says nothing about TWS",
        "mend what the evidence names (a permission, a missing library, a symbol that TWS refuses, another diagnosis "
        "under way) and try again",
        1,
    ),
}


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """`place` is host:port; `detail` what is special about this case (which id, whose, which farms, TWS's words);
    `evidence` lines in the order they were found; `wire` facts: seconds to connect, bytes received ...; `sockets`
    the kernel's rows of the port before and after, see `gateway.port_sockets`; `seconds` how long it took; `at` when,
    New York; `symbol` whose data were asked for; `person`: whether this case needs one, None: as the
    table says for the verdict; `age` in seconds, of one that was found earlier and is shown again, else 0."""

    verdict: Verdict
    place: str
    detail: str
    evidence: tuple[str, ...]
    at: datetime
    seconds: float
    client_id: int | None = None
    symbol: str = ""
    wire: dict[str, Any] = field(default_factory=dict)
    sockets: dict[str, Any] = field(default_factory=dict)
    person: bool | None = None
    age: float = 0.0

    @property
    def row(self) -> Row:
        return TABLE[self.verdict]

    @property
    def exit_code(self) -> int:
        """0 well, 1 may mend itself or by another try, 2 needs a person or a change of settings."""
        return self.row.exit_code if self.person is None else 2 if self.person else 1

    @property
    def words(self) -> str:
        """One line for logs and errors: the verdict, what is special about it, and the cure."""
        said = f"{self.row.words} ({self.place})" + (f": {self.detail}" if self.detail else "")
        return said if self.verdict is Verdict.HEALTHY else f"{said}. What to do: {self.row.cure}"

    def age_at(self, moment: datetime) -> float:
        """Seconds since it was found; negative when the clock was set back."""
        return (moment - self.at).total_seconds()

    def as_dict(self) -> dict[str, Any]:
        """For JSON: its own fields, and what the table says."""
        own = asdict(self) | {
            "verdict": str(self.verdict),
            "at": instant_text(self.at),
            "evidence": list(self.evidence),
        }
        told = {"words": self.row.words, "meaning": self.row.meaning, "cure": self.row.cure}
        return own | told | {"exit_code": self.exit_code}

    @classmethod
    def from_dict(cls, found: Mapping[str, Any]) -> Self:
        """Raises ValueError for anything `as_dict` has not made."""
        try:
            own = {each.name: found[each.name] for each in fields(cls)}
            own |= {"verdict": Verdict(own["verdict"]), "at": instant(own["at"]), "evidence": tuple(own["evidence"])}
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"not a diagnosis: {error!r}") from error
        return cls(**own)


def now() -> datetime:
    """When a diagnosis made now is dated: milliseconds, as JSON keeps them."""
    moment = clock.now()
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)
