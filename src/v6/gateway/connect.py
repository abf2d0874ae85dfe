"""Open a connection, or say why not as soon as the wire shows it.

The libraries wait for their whole time limit and then raise a blank TimeoutError; the cause is on the wire long before.
"""

import asyncio
import socket
from typing import Any, NamedTuple

from v6 import clock
from v6.gateway import silence
from v6.gateway.connection import Connection
from v6.gateway.errors import ConnectCause, ConnectFailed

CLIENT_ID_IN_USE = 326
MUTE = (ConnectCause.MUTE_BEFORE_HANDSHAKE, ConnectCause.MUTE_AFTER_HANDSHAKE)
ACCOUNT_GRACE = 0.5  # seconds in which a TWS that named no account may still name one
FARM_GRACE = 0.3  # seconds to hear of the data farms: requests sent before may stay unanswered [IBKR's documents]


class Target(NamedTuple):
    host: str
    port: int
    timeout: float  # seconds for everything up to "API ready"


async def establish(connection: Connection, target: Target, client_id: int) -> None:
    """Bring `connection` up to "API ready with an account". Raises ConnectFailed; nothing is left of it then."""
    started = clock.monotonic()
    attempt = asyncio.ensure_future(connection.client.connectAsync(target.host, target.port, client_id, 0))
    refusal = _watch_refusals(connection, client_id)
    wire = connection.wire
    try:
        watched = {attempt, refusal, wire.lost, wire.strange}
        await asyncio.wait(watched, timeout=target.timeout, return_when=asyncio.FIRST_COMPLETED)
        if not (attempt.done() and attempt.exception() is None):
            raise _failure(connection, target, attempt, refusal, started)
        refusal.cancel()
        await _hear_of_farms(connection)
    except BaseException:
        attempt.cancel()
        connection.abort()
        await asyncio.gather(attempt, return_exceptions=True)
        await wire.gone()
        raise


async def _hear_of_farms(connection: Connection) -> None:
    try:
        async with asyncio.timeout(FARM_GRACE):
            await connection.receiver.farm_heard.wait()
    except TimeoutError:
        connection.log.debug("TWS has said nothing about its data farms yet")


def _watch_refusals(connection: Connection, client_id: int) -> "asyncio.Future[tuple[ConnectCause, str]]":
    """Done when TWS itself says why it will not do."""
    loop = asyncio.get_running_loop()
    refusal: asyncio.Future[tuple[ConnectCause, str]] = loop.create_future()
    receiver = connection.receiver

    def refuse(cause: ConnectCause, evidence: str) -> None:
        if not refusal.done():
            refusal.set_result((cause, evidence))

    def heard(code: int, text: str) -> None:
        if code == CLIENT_ID_IN_USE:
            refuse(ConnectCause.CLIENT_ID_IN_USE, f"client id {client_id}: TWS says {code}: {text}")

    def no_account() -> None:
        if not receiver.accounts:
            refuse(ConnectCause.NO_ACCOUNT, "TWS sent an empty list of accounts")

    receiver.notices.append(heard)
    refusal.add_done_callback(lambda _: receiver.notices.remove(heard))
    receiver.on_no_account = lambda: loop.call_later(ACCOUNT_GRACE, no_account)
    return refusal


def _failure(
    connection: Connection,
    target: Target,
    attempt: "asyncio.Future[None]",
    refusal: "asyncio.Future[tuple[ConnectCause, str]]",
    started: float,
) -> ConnectFailed:
    seconds = clock.monotonic() - started
    cause, evidence = _reason(connection, target, attempt, refusal)
    verdict, wire = None, facts(connection, started)
    if cause in MUTE and connection.wire.local is not None:
        heard = silence.of(target.host, target.port, connection.wire.local)
        evidence = f"{evidence}, {heard.words}"
        verdict = heard.verdict if cause is ConnectCause.MUTE_BEFORE_HANDSHAKE else None
        wire |= heard.as_dict()
    elif cause is ConnectCause.CLOSED_AT_ONCE:
        verdict, words = silence.hung_up(target.host, target.port)
        evidence = f"{evidence}; {words}" if words else evidence
    where = f"{target.host}:{target.port}, {evidence}, known after {seconds:.2f} s"
    return ConnectFailed(cause, where, seconds, seen=evidence, verdict=verdict, wire=wire)


def facts(connection: Connection, started: float) -> dict[str, Any]:
    """What the wire has shown so far: seconds from `started` to each step, bytes received, the server version."""
    wire = connection.wire
    steps = {f"{name}_seconds": round(moment - started, 4) for name, moment in wire.steps.items()}
    return {**steps, "bytes_received": wire.received, "server_version": wire.version}


def _reason(
    connection: Connection,
    target: Target,
    attempt: "asyncio.Future[None]",
    refusal: "asyncio.Future[tuple[ConnectCause, str]]",
) -> tuple[ConnectCause, str]:
    wire, receiver = connection.wire, connection.receiver
    if refusal.done():
        return refusal.result()
    if wire.strange.done():
        return ConnectCause.NOT_TWS if wire.not_tws else ConnectCause.VERSION, wire.strange.result()
    if not wire.connected:
        return _never_connected(attempt, target)
    heard = f"{wire.received} bytes received"
    if wire.lost.done():
        if wire.version is None:
            words = wire.lost.result().replace("TWS", "what listens there")  # a proxy, perhaps
            return ConnectCause.CLOSED_AT_ONCE, f"{words} before the handshake, {heard}"
        return ConnectCause.CLOSED_AFTER_HANDSHAKE, f"{wire.lost.result()}, server version {wire.version}, {heard}"
    if wire.version is None:
        return ConnectCause.MUTE_BEFORE_HANDSHAKE, f"{heard} in {target.timeout:.3g} s"
    if receiver.next_valid_id is not None and not receiver.accounts:
        return ConnectCause.NO_ACCOUNT, f"server version {wire.version}, an order id but no account"
    return ConnectCause.MUTE_AFTER_HANDSHAKE, f"server version {wire.version}, {heard} in {target.timeout:.3g} s"


def _never_connected(attempt: "asyncio.Future[None]", target: Target) -> tuple[ConnectCause, str]:
    error = attempt.exception() if attempt.done() and not attempt.cancelled() else None
    if isinstance(error, ConnectionRefusedError):
        return ConnectCause.REFUSED, "connection refused"
    if isinstance(error, socket.gaierror):
        return ConnectCause.UNREACHABLE, f"the name does not resolve: {error.strerror}"
    if error is not None:
        return ConnectCause.UNREACHABLE, str(error)
    return (
        ConnectCause.UNREACHABLE,
        f"no answer to the connection request within {target.timeout:.3g} s: a firewall, or a TWS that is stuck",
    )
