"""What can go wrong between this host and TWS, each carrying the facts its reader needs."""

# ruff: noqa: N818 - they name what happened, as V6's other exceptions do

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from v6.gateway import error_codes
from v6.gateway.verdicts import TABLE, Verdict
from v6.model import FatalError, RecoverableError, V6Error


class ConnectCause(StrEnum):
    """Why a connection did not come about."""

    REFUSED = "refused"
    UNREACHABLE = "unreachable"
    CLOSED_AT_ONCE = "closed_at_once"
    CLOSED_AFTER_HANDSHAKE = "closed_after_handshake"
    MUTE_BEFORE_HANDSHAKE = "mute_before_handshake"
    MUTE_AFTER_HANDSHAKE = "mute_after_handshake"
    CLIENT_ID_IN_USE = "client_id_in_use"
    NO_ACCOUNT = "no_account"
    VERSION = "version"
    NOT_TWS = "not_tws"


VERDICTS = {
    ConnectCause.REFUSED: Verdict.REFUSED,
    ConnectCause.UNREACHABLE: Verdict.UNREACHABLE,
    ConnectCause.CLOSED_AT_ONCE: Verdict.NOTHING_BEHIND,
    ConnectCause.CLOSED_AFTER_HANDSHAKE: Verdict.MUTE_AFTER_HANDSHAKE,
    ConnectCause.MUTE_BEFORE_HANDSHAKE: Verdict.MUTE_AFTER_TCP,
    ConnectCause.MUTE_AFTER_HANDSHAKE: Verdict.MUTE_AFTER_HANDSHAKE,
    ConnectCause.CLIENT_ID_IN_USE: Verdict.CLIENT_ID_IN_USE,
    ConnectCause.NO_ACCOUNT: Verdict.NO_ACCOUNT,
    ConnectCause.VERSION: Verdict.VERSION_TOO_OLD,
    ConnectCause.NOT_TWS: Verdict.NOTHING_BEHIND,
}
"""What each means and how it is cured: `verdicts.TABLE`. The kernel may know better why TWS is mute."""

OUTAGES = {
    ConnectCause.REFUSED: "refused",
    ConnectCause.UNREACHABLE: "unreachable",
    ConnectCause.CLOSED_AT_ONCE: "closed",
    ConnectCause.CLOSED_AFTER_HANDSHAKE: "closed",
    ConnectCause.MUTE_BEFORE_HANDSHAKE: "mute",
    ConnectCause.MUTE_AFTER_HANDSHAKE: "mute",
    ConnectCause.NO_ACCOUNT: "no_account",
}
"""The causes that are a sign of TWS or IBKR being away, by the word the journal keeps."""


class GatewayError(V6Error):
    """Base of everything the gateway raises."""

    recoverable = True


class LibraryUnusable(GatewayError, FatalError):
    """ib_insync or ib_async is absent, spoilt, or lacks something we need (L34)."""

    recoverable = False


class NoClientId(GatewayError, RecoverableError):
    """Every client id of the pool is leased or in quarantine."""


class NotASimulator(GatewayError, FatalError):
    """The settings are a rehearsal's, but what answers has accounts that could be real."""

    recoverable = False


class ConnectFailed(GatewayError):
    """No connection. `cause` in one word, `evidence` what was seen, where and when (`seen`: only what), `seconds` how
    long it took to know; `verdict` with its cure (`verdicts.TABLE`), `wire` the facts: seconds to each step, bytes
    received, server version."""

    def __init__(
        self,
        cause: ConnectCause,
        evidence: str,
        seconds: float = 0.0,
        *,
        seen: str = "",
        verdict: Verdict | None = None,
        wire: Mapping[str, Any] | None = None,
    ) -> None:
        self.verdict = verdict or VERDICTS[cause]
        super().__init__(f"{cause}: {TABLE[self.verdict].meaning} ({evidence})")
        self.cause = cause
        self.evidence = evidence
        self.seen = seen or evidence
        self.seconds = seconds
        self.wire = dict(wire or {})
        self.recoverable = cause not in (ConnectCause.VERSION, ConnectCause.NOT_TWS)

    @property
    def cure(self) -> str:
        """What a person can do about it."""
        return TABLE[self.verdict].cure


class Disconnected(GatewayError, RecoverableError):
    """The connection ended while something was expected of it."""


class Unreadable(GatewayError, RecoverableError):
    """The library could not read a message that may belong to an answer: the answer would lack something (L34)."""


class RequestTimeout(GatewayError, RecoverableError):
    """TWS did not answer within the time limit. `request` names what was asked."""

    def __init__(self, request: str, seconds: float) -> None:
        super().__init__(f"no answer to {request} within {seconds:g} s")
        self.request = request
        self.seconds = seconds


class ServerLost(RequestTimeout):
    """TWS has lost IBKR (1100) and did not get it back in time to answer. `away` says since when."""

    def __init__(self, request: str, away: str) -> None:
        GatewayError.__init__(self, f"no answer to {request}: {away}")
        self.request = request
        self.away = away
        self.seconds = 0.0


class RequestError(GatewayError):
    """TWS refused a request: its own `code` and `text`, word for word; `request` names what was asked."""

    def __init__(self, code: int, text: str, request: str) -> None:
        super().__init__(f"{request}: TWS says {code}: {text}")
        self.code = code
        self.text = text
        self.request = request
        self.recoverable = error_codes.lookup(code, text).recoverable
