"""Between our frozen values and the library's contract objects (untyped there)."""

from datetime import date, datetime
from functools import lru_cache
from typing import Any, cast
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from v6.gateway.library import Library
from v6.model import Contract, ContractDetails, Right, SecType

RIGHTS: dict[str, Right] = {"C": "C", "CALL": "C", "P": "P", "PUT": "P"}
SMART = {"OPT": "SMART", "STK": "SMART"}  # positions come without the exchange that requests need
ZONES = {"EST": "America/New_York", "EST5EDT": "America/New_York", "CST": "America/Chicago", "GMT": "UTC"}


def to_library(library: Library, contract: Contract) -> Any:
    """With a con_id TWS needs no more than exchange and kind, and every further field could only contradict it."""
    wire = library.contract(
        conId=contract.con_id,
        symbol=contract.symbol,
        secType=contract.sec_type,
        exchange=contract.exchange or SMART.get(contract.sec_type, ""),
        currency=contract.currency,
    )
    if not contract.con_id:
        wire.primaryExchange = contract.primary_exchange
        wire.localSymbol = contract.local_symbol
        wire.tradingClass = contract.trading_class
        wire.multiplier = f"{contract.multiplier:g}" if contract.multiplier else ""
        wire.lastTradeDateOrContractMonth = f"{contract.expiry:%Y%m%d}" if contract.expiry else ""
        wire.strike = contract.strike or 0.0
        wire.right = contract.right or ""
    return wire


def from_library(wire: Any) -> Contract:
    """Kinds we do not trade (BOND, CASH ...) keep TWS's word for them: a position of theirs must not vanish."""
    return Contract(
        sec_type=cast(SecType, wire.secType),
        symbol=wire.symbol,
        exchange=wire.exchange,
        con_id=int(wire.conId),
        currency=wire.currency,
        primary_exchange=wire.primaryExchange,
        local_symbol=wire.localSymbol,
        trading_class=wire.tradingClass,
        multiplier=float(wire.multiplier) if wire.multiplier else None,
        expiry=day(wire.lastTradeDateOrContractMonth),
        strike=float(wire.strike) or None,
        right=RIGHTS.get(wire.right),
    )


def details_from_library(wire: Any) -> ContractDetails:
    return ContractDetails(
        contract=from_library(wire.contract),
        min_tick=float(wire.minTick),
        under_con_id=int(wire.underConId or 0),
        contract_month=wire.contractMonth,
        long_name=wire.longName,
        liquid_hours=hours(wire.liquidHours, wire.timeZoneId),
    )


def day(text: str) -> date | None:
    """`20260116` or `20260116 22:00:00 Europe/Prague`; a bare month has no day."""
    digits = text[:8]
    if len(digits) < 8 or not digits.isdigit():
        return None
    return date(int(digits[:4]), int(digits[4:6]), int(digits[6:8]))


@lru_cache(maxsize=64)  # thousands of contracts of a chain have the same hours
def hours(text: str, zone_name: str) -> tuple[tuple[datetime, datetime], ...]:
    """`20251128:0930-20251128:1300;20251129:CLOSED` -> aware open and close of each session; () in an unknown zone."""
    zone = _zone(zone_name)
    if zone is None:
        return ()
    sessions = []
    for session in text.split(";"):
        opening, dash, closing = session.partition("-")
        if dash:
            sessions.append((_instant(opening, zone), _instant(closing, zone)))
    return tuple(sessions)


def _instant(text: str, zone: ZoneInfo) -> datetime:
    return datetime.strptime(text.strip(), "%Y%m%d:%H%M").replace(tzinfo=zone)


def _zone(name: str) -> ZoneInfo | None:
    """`US/Eastern`, `America/New_York`, `EST (Eastern Standard Time)`: TWS has used all three."""
    word = name.split(" ")[0] if name else ""
    if not word:
        return None
    try:
        return ZoneInfo(ZONES.get(word, word))
    except (ZoneInfoNotFoundError, ValueError):
        return None
