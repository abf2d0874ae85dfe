"""Which TWS library is used, and proof that it has what we need before a connection depends on it (L34).

Only its low level is used: the client that writes and frames messages, the decoder behind it, and its contract type.
The receiving side, the socket and the pace are ours, so that both libraries behave the same.
"""

import asyncio
import importlib
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from v6.gateway import installation, late_numpy
from v6.gateway.errors import LibraryUnusable

CLIENT_NEEDS = (
    "connectAsync", "disconnect", "serverVersion", "getAccounts", "getReqId", "isReady", "startApi",
    "MinClientVersion", "MaxClientVersion", "MaxRequests",
    "_onSocketHasData", "_onSocketDisconnected",
    "reqMktData", "cancelMktData", "reqMarketDataType", "reqContractDetails", "reqSecDefOptParams",
    "reqHistoricalData", "cancelHistoricalData", "reqPositions", "cancelPositions",
    "reqAccountSummary", "cancelAccountSummary", "reqCurrentTime", "updateReqId",
    "reqAllOpenOrders", "reqOpenOrders", "reqCompletedOrders", "reqExecutions",
    "placeOrder", "cancelOrder", "reqGlobalCancel", "reqScannerSubscription", "cancelScannerSubscription",
)  # fmt: skip
CLIENT_STATE = ("conn", "decoder", "connState", "wrapper")
CONTRACT_NEEDS = (
    "conId", "symbol", "secType", "lastTradeDateOrContractMonth", "strike", "right", "multiplier", "exchange",
    "primaryExchange", "currency", "localSymbol", "tradingClass", "includeExpired",
)  # fmt: skip
DECODED = (1, 2, 3, 4, 5, 9, 10, 11, 15, 17, 20, 21, 49, 52, 53, 55, 58, 61, 62, 63, 64, 75, 76, 101, 102)
TYPES = ("Order", "ExecutionFilter", "ScannerSubscription", "TagValue")


@dataclass(frozen=True, slots=True)
class Library:
    """One of the two, loaded and tested. `client` and `contract` are its classes (untyped there), `module` has the
    others (TYPES)."""

    name: str
    version: str
    client: Any
    contract: Any
    module: Any


def load(wanted: str) -> Library:
    """Import the library (0.2 s), in any thread: it needs a current event loop at import, and gets one."""
    name, version = installation.choose(wanted)
    with _current_loop(), late_numpy.only_when_used():
        try:
            module = importlib.import_module(name)
            low = importlib.import_module(f"{name}.client")
        except ImportError as error:
            raise LibraryUnusable(f"{name} cannot be imported: {error}: {installation.cure()}") from error
        library = Library(name, version, low.Client, module.Contract, module)
        prove(library)
    _quieten(name)
    return library


def prove(library: Library) -> None:
    """Raise LibraryUnusable naming everything that is missing."""
    missing = [f"Client.{name}" for name in CLIENT_NEEDS if not hasattr(library.client, name)]
    missing += [f"Contract.{name}" for name in CONTRACT_NEEDS if not hasattr(library.contract(), name)]
    missing += [name for name in TYPES if not hasattr(library.module, name)]
    if not missing:
        client = library.client(object())
        missing += [f"Client().{name}" for name in CLIENT_STATE if not hasattr(client, name)]
        handlers = getattr(getattr(client, "decoder", None), "handlers", {})
        missing += [f"decoder of message {number}" for number in DECODED if number not in handlers]
    if missing:
        raise LibraryUnusable(f"{library.name} {library.version} lacks {', '.join(missing)}: {installation.cure()}")


@contextmanager
def _current_loop() -> Iterator[None]:
    """ib_insync asks the thread's policy for an event loop when it is imported, also where there is none."""
    try:
        asyncio.set_event_loop(asyncio.get_running_loop())
    except RuntimeError:
        loop = asyncio.new_event_loop()
        asyncio.set_event_loop(loop)
        try:
            yield
        finally:
            asyncio.set_event_loop(None)
            loop.close()
    else:
        yield


def _quieten(name: str) -> None:
    """Its client logs what we raise as well; what its decoder cannot read goes to our log (see connection.py)."""
    logging.getLogger(name).addHandler(logging.NullHandler())
    logging.getLogger(name).propagate = False
    logging.getLogger(f"{name}.client").setLevel(logging.CRITICAL)
