"""A step of a proof that failed, with the verdict, the cure and the exit code that `v6 gateway diagnose` has for it."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Self

from v6.analysis.findings import Finding, State
from v6.gateway.connection_budget import ConnectionBudgetSpent
from v6.gateway.diagnose import of_failure
from v6.gateway.errors import ConnectFailed, Disconnected, GatewayError, NoClientId, RequestTimeout, ServerLost
from v6.gateway.port_sockets import port_sockets
from v6.gateway.sockets import CannotLook
from v6.gateway.verdicts import TABLE, Verdict
from v6.model import FatalError, V6Error
from v6.runner.context import Context

VERDICTS: tuple[tuple[type[GatewayError], Verdict, str], ...] = (
    (ServerLost, Verdict.FARMS_DOWN, ""),
    (RequestTimeout, Verdict.MUTE_AFTER_HANDSHAKE, ""),
    (Disconnected, Verdict.MUTE_AFTER_HANDSHAKE, ""),
    (NoClientId, Verdict.CLIENT_ID_IN_USE, ""),
    (ConnectionBudgetSpent, Verdict.COULD_NOT_CHECK, "wait, and find out why that task connects so often"),
)
"""The first that fits; "": the cure is the verdict's own."""
GONE = (Disconnected, RequestTimeout)
"""Nothing asked on this connection proves anything any more."""


class NotProven(V6Error):  # noqa: N818 - it names what happened
    """One step failed: its words are the verdict, what was seen and the cure."""

    def __init__(self, verdict: Verdict, words: str, exit_code: int) -> None:
        super().__init__(words)
        self.verdict = verdict
        self.reason = str(verdict)
        self.recoverable = exit_code == 1

    @classmethod
    def of(cls, verdict: Verdict, seen: str, *, person: bool | None = None, cure: str = "") -> Self:
        """`person`: whether this case needs one, None and cure "": as the table says for the verdict."""
        row = TABLE[verdict]
        code = row.exit_code if person is None else 2 if person else 1
        return cls(verdict, f"{row.words}: {seen}. What to do: {cure or row.cure}", code)


@contextmanager
def verdicts(ctx: Context) -> Iterator[None]:
    """Around a whole connection: what goes wrong with it raises NotProven. TWS is not asked again, the kernel is; what
    it shows goes to the log. Errors that only a change of the environment mends say so themselves and pass."""
    try:
        yield
    except ConnectFailed as error:
        found = of_failure(ctx.settings.ibkr, ctx.paths.leases, error)
        for line in found.evidence:
            ctx.log.warning("{}", line)
        raise NotProven(found.verdict, found.words, found.exit_code) from error
    except GatewayError as error:
        if isinstance(error, FatalError):
            raise
        ctx.log.warning("the kernel's tables: {}", _sockets(ctx))
        raise _of(error) from error


def require(finding: Finding, verdict: Verdict) -> Finding:
    """The same finding; raises NotProven unless it is well."""
    if finding.state is not State.OK:
        raise NotProven.of(verdict, finding.evidence)
    return finding


def _of(error: GatewayError) -> NotProven:
    for kind, verdict, cure in VERDICTS:
        if isinstance(error, kind):
            return NotProven.of(verdict, str(error), cure=cure)
    return NotProven.of(Verdict.COULD_NOT_CHECK, str(error), person=not error.recoverable)


def _sockets(ctx: Context) -> str:
    try:
        return port_sockets(ctx.settings.ibkr.host, ctx.settings.ibkr.port, ctx.paths.leases).words()
    except CannotLook as why:
        return f"show nothing: {why}"
