"""One verdict about the connection to TWS, with its evidence and its cure, without ever making things worse (L27).

The kernel's tables first: where they show that nobody accepts, TWS is not touched. Then one connection as every job's,
on an id of its own, whose failure ends with a reset; then a round trip (L24), the farms, and the data of one symbol.
Where nobody listens there is no TWS to be touched: the kernel refuses, unless it forwards the port itself (DNAT), which
no table here shows. What cannot be checked is said to be so (L30).
"""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from v6 import clock
from v6.config.settings import Ibkr
from v6.gateway import connection_budget, library, refused
from v6.gateway.client import Gateway, connect
from v6.gateway.connect import facts
from v6.gateway.connection import Log
from v6.gateway.connection_budget import NEVER_REACHED
from v6.gateway.data_proof import Flow, prove_data
from v6.gateway.error_codes import FARM_CONNECTS, FARM_DOWN
from v6.gateway.errors import ConnectCause, ConnectFailed, Disconnected, GatewayError, NoClientId, RequestTimeout
from v6.gateway.port_sockets import PortSockets, port_sockets
from v6.gateway.sockets import CannotLook
from v6.gateway.verdicts import Diagnosis, Verdict, now

TASK = "diagnose"
STUCK_SECONDS = 0.6
"""How long connections must wait without a break before nobody is said to accept them."""
LOOK_SECONDS = 0.1
OWN_SECONDS = 0.25
"""What a diagnosis keeps of the probe for its own looks at the kernel's tables when TWS was mute."""
ROUND_TRIP_SECONDS = 0.3
"""What is kept for the round trip of a TWS that was ready only at the end of the probe."""
CONNECTING_SECONDS = 0.8
"""For a tick while a farm is still connecting: what is asked then may stay unanswered [IBKR's documents]."""
DATA_NEEDS_PERSON = {
    Flow.NO_SUBSCRIPTION: True,
    Flow.DELAYED: True,
    Flow.COMPETING: False,
    Flow.SILENT: False,
    Flow.FROZEN: False,
    Flow.LINES: False,
}


async def diagnose(
    settings: Ibkr,
    leases: Path,
    *,
    log: Log | None = None,
    market_open: bool | None,
    symbol: str,
    client_id: int | None = None,
) -> Diagnosis:
    """Find out. `market_open` None: not known. `client_id`: this one instead of `ibkr.diagnose_client_id`.

    What is visible is known within about a second, a mute TWS within `probe_seconds`. Raises nothing of the gateway's:
    what kept the check from being made is a verdict too."""
    return await Examination(settings, leases, log, client_id, symbol).run(market_open)


def of_failure(settings: Ibkr, leases: Path, error: ConnectFailed) -> Diagnosis:
    """Of a connection that has just failed: TWS is not asked again, only the kernel is."""
    return Examination(settings, leases, None, None).failed(error)


class Found(Exception):  # noqa: N818 - it names what happened
    """The verdict is known: the examination ends."""

    def __init__(self, verdict: Verdict, detail: str, *, person: bool | None = None) -> None:
        super().__init__(detail)
        self.verdict, self.detail, self.person = verdict, detail, person


class Examination:
    """One diagnosis under way, and what it has found so far."""

    def __init__(self, settings: Ibkr, leases: Path, log: Log | None, client_id: int | None, symbol: str = "") -> None:
        self._settings = settings
        self._leases = leases
        self._log = log
        self._client_id = settings.diagnose_client_id if client_id is None else client_id
        self._started = clock.monotonic()
        self._evidence: list[str] = []
        self._wire: dict[str, Any] = {}
        self._sockets: dict[str, Any] = {}
        self._symbol = symbol

    async def run(self, market_open: bool | None) -> Diagnosis:
        try:
            if (before := self.look("before")) is not None:
                await self._require_acceptor(before)
            healthy = await self._connected(lambda gateway: self._examine(gateway, market_open))
        except Found as found:
            return self._diagnosis(found.verdict, found.detail, found.person)
        except ConnectFailed as error:
            return self.failed(error)
        except NoClientId as error:
            return self._diagnosis(Verdict.CLIENT_ID_IN_USE, str(error))
        except (GatewayError, OSError) as error:
            person = isinstance(error, GatewayError) and not error.recoverable
            return self._diagnosis(Verdict.COULD_NOT_CHECK, f"{type(error).__name__}: {error}", person)
        return self._diagnosis(Verdict.HEALTHY, healthy)

    def failed(self, error: ConnectFailed) -> Diagnosis:
        """What a failed connection comes to."""
        after = self.look("after")
        self._wire |= error.wire
        reached = error.cause not in NEVER_REACHED
        ended = "the attempt ended with a reset" if reached else "no connection came about"
        self._say(f"{ended} after {error.seconds:.2f} s: {error.cause}")
        if error.cause is ConnectCause.REFUSED:
            refusal = refused.judge(self._settings.host, self._settings.port, after)
            self._evidence += refusal.evidence
            return self._diagnosis(refusal.verdict, refusal.detail)
        detail = error.seen
        if error.verdict is Verdict.CLIENT_ID_IN_USE:
            detail = f"{detail}; {_whose_id(after)}"
        return self._diagnosis(error.verdict, detail, None if error.recoverable else True)

    def look(self, when: str) -> PortSockets | None:
        """The kernel's sockets into the evidence; None when they cannot be seen, which is said."""
        try:
            seen = port_sockets(self._settings.host, self._settings.port, self._leases)
        except CannotLook as why:
            self._say(f"the kernel's tables ({when}) show nothing: {why}")
            return None
        self._sockets[when] = seen.as_dict()
        self._say(f"the kernel's tables ({when}): {seen.words()}")
        return seen

    # without touching TWS

    async def _require_acceptor(self, seen: PortSockets) -> None:
        """Connections that wait now may be accepted in a moment; those that still do after a while will not be."""
        until = clock.monotonic() + STUCK_SECONDS
        queued = seen.queued
        while queued and clock.monotonic() < until:
            await asyncio.sleep(LOOK_SECONDS)
            queued = port_sockets(self._settings.host, self._settings.port, owners=False).queued
        if queued:
            self._say(f"no connection was tried: {queued} wait, looked at for {STUCK_SECONDS:g} s without a break")
            raise Found(Verdict.ACCEPT_QUEUE_STUCK, f"{queued} connections wait to be accepted, and nobody does")

    # over one connection

    async def _connected(self, examine: Callable[[Gateway], Awaitable[str]]) -> str:
        """What `examine` says of an open gateway; nothing of it is left."""
        used = library.load(self._settings.library)  # not part of the time that TWS is given
        self._say(f"library: {used.name} {used.version}")
        gateway = self._gateway()
        begun = clock.monotonic()
        await gateway.open_async()
        connection = gateway.connection
        try:
            self._wire |= facts(connection, begun) | {"ready_seconds": round(clock.monotonic() - begun, 4)}
            healthy = await examine(gateway)
            await gateway.close_async()
            return healthy
        except Found as found:
            if found.verdict is not Verdict.MUTE_AFTER_HANDSHAKE:
                await gateway.close_async()
            raise
        finally:
            self._wire |= {"bytes_received": connection.wire.received}
            await gateway.abort_async()
            self._tell_steps()
            self.look("after")

    def _gateway(self) -> Gateway:
        ends = self._started + self._settings.probe_seconds - OWN_SECONDS
        left = max(ends - clock.monotonic(), LOOK_SECONDS)
        settings = self._settings.model_copy(
            update={"connect_timeout_seconds": left, "request_timeout_seconds": self._settings.probe_seconds}
        )
        gateway = connect(
            settings, purpose="checks", leases=self._leases, log=self._log, task=TASK, client_id=self._client_id
        )
        gateway.insists = False
        return gateway

    async def _examine(self, gateway: Gateway, market_open: bool | None) -> str:
        await self._require_answer(gateway)
        self._require_farms(gateway)
        shown = await self._data(gateway, market_open)
        account = f"{len(gateway.accounts)} accounts, {len(gateway.farms)} farms"
        return f"server version {gateway.server_version}, {account}, {shown}"

    async def _require_answer(self, gateway: Gateway) -> None:
        """L24: being connected proves nothing."""
        begun = clock.monotonic()
        ends = self._started + self._settings.probe_seconds - OWN_SECONDS
        left = max(ends - begun, ROUND_TRIP_SECONDS)
        try:
            async with asyncio.timeout(left):
                told = await gateway.current_time_async()
        except (TimeoutError, RequestTimeout):
            words = f"TWS said that it is ready, but did not answer a question within {left:.1f} s"
            raise Found(Verdict.MUTE_AFTER_HANDSHAKE, words) from None
        except Disconnected as error:
            raise Found(Verdict.MUTE_AFTER_HANDSHAKE, f"TWS hung up on the first question: {error}") from None
        trip = clock.monotonic() - begun
        skew = (told - clock.utc_now()).total_seconds() + trip / 2  # TWS tells whole seconds
        self._wire |= {"round_trip_seconds": round(trip, 4), "clock_skew_seconds": round(skew, 2)}

    def _require_farms(self, gateway: Gateway) -> None:
        if gateway.server_lost:
            raise Found(Verdict.FARMS_DOWN, f"TWS has lost IBKR: {gateway.connection.link.words}")
        states = ", ".join(f"{name} {code}" for name, code in sorted(gateway.farms.items()))
        self._say(f"data farms: {states or 'TWS has said nothing about them'}")
        if down := sorted(name for name, code in gateway.farms.items() if code in FARM_DOWN):
            raise Found(Verdict.FARMS_DOWN, f"down: {', '.join(down)}")

    async def _data(self, gateway: Gateway, market_open: bool | None) -> str:
        connecting = sorted(name for name, code in gateway.farms.items() if code == FARM_CONNECTS)
        limit = min(self._settings.probe_seconds, CONNECTING_SECONDS if connecting else self._settings.probe_seconds)
        try:
            shown = await prove_data(gateway, self._symbol, market_open, limit)
        except Disconnected as error:
            words = f"TWS hung up on the question about market data: {error}"
            raise Found(Verdict.MUTE_AFTER_HANDSHAKE, words) from None
        self._say(f"market data: {shown.flow}: {shown.words}")
        if shown.flow is Flow.LIVE:
            return f"live data flow ({shown.words})"
        if shown.flow is Flow.SILENT and connecting:
            raise Found(Verdict.FARMS_DOWN, f"still connecting: {', '.join(connecting)}; {shown.words}")
        if market_open and shown.flow is Flow.UNPROVEN:
            raise Found(Verdict.COULD_NOT_CHECK, f"TWS answers, but live data are not proven: {shown.words}")
        if shown.flow in (Flow.UNPROVEN, Flow.SILENT) and not market_open:
            why = "whether the market is open is not known" if market_open is None else "the market is closed"
            return f"live data are not proven: {why} ({shown.words})"
        raise Found(Verdict.NO_MARKET_DATA, f"{shown.flow}: {shown.words}", person=DATA_NEEDS_PERSON[shown.flow])

    # what it comes to

    def _tell_steps(self) -> None:
        names = ("connected", "handshake", "ready", "round_trip")
        known = [(name, self._wire.get(f"{name}_seconds")) for name in names]
        steps = ", ".join(f"{name.replace('_', ' ')} {seconds:.3f} s" for name, seconds in known if seconds is not None)
        version, received = self._wire.get("server_version"), self._wire.get("bytes_received")
        self._say(f"{steps}; server version {version}, {received} bytes received")

    def _budget(self) -> str:
        """Into the evidence; a remark when it is spent, which hides behind a diagnosis that is never refused."""
        try:
            found = connection_budget.used(self._settings, self._leases)
        except OSError as error:
            self._say(f"how many connections were opened cannot be told: {error}")
            return ""
        limit = max(found, key=lambda each: each.used / each.most)
        self._say(limit.words)
        return f"; runs are refused a connection, their budget is spent: {limit.words}" if limit.spent else ""

    def _say(self, words: str) -> None:
        self._evidence.append(words)

    def _diagnosis(self, verdict: Verdict, detail: str, person: bool | None = None) -> Diagnosis:
        spent = self._budget()
        return Diagnosis(
            verdict=verdict,
            place=self._settings.place,
            detail=detail + spent,
            evidence=tuple(self._evidence),
            at=now(),
            seconds=round(clock.monotonic() - self._started, 4),
            client_id=self._client_id,
            symbol=self._symbol,
            wire=self._wire,
            sockets=self._sockets,
            person=person,
        )


def _whose_id(seen: PortSockets | None) -> str:
    """Our own lease keeps every other run of this home from the id."""
    if seen is None:
        connected = "who is connected cannot be seen"
    else:
        owners = sorted({row.owner for row in seen.rows if row.side == "client" and row.state == "ESTABLISHED"})
        connected = f"connected now: {', '.join(owners)}" if owners else "nobody else on this host is connected"
    return f"no run of V6 here has it: another program, or TWS has not noticed that its owner is gone; {connected}"
