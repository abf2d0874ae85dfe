"""Contract details and option chains."""

from collections.abc import Iterable
from datetime import date, datetime

from v6.simulator.instruments.listings import Listing
from v6.simulator.instruments.market_rules import rule_ids
from v6.simulator.wire import Field, frame, plain

AGGREGATION_GROUPS = {"STK": 1, "OPT": 2}  # as recorded of AAPL and its options; 2147483647 of ES
ORDER_TYPES = "ACTIVETIM,ADJUST,ALERT,ALGO,AON,COND,DAY,GTC,IOC,LMT,LOC,MKT,MOC,OCA,SCALE,STP,STPLMT,TRAIL,WHATIF"


def contract_details(version: int, request: int, listing: Listing, hours: tuple[str, str]) -> bytes:
    """Message 10; `hours` are tradingHours and liquidHours."""
    head: list[Field] = [10] if version >= 164 else [10, 8]
    expiry = listing.expiry_text
    stock = listing.sec_type == "STK"
    underlying = "" if listing.sec_type in ("STK", "IND") else listing.symbol
    under_type = "" if not underlying else "IND" if listing.zone_name == "US/Central" else "STK"
    fields: list[Field] = [
        *head,
        request,
        listing.symbol,
        listing.sec_type,
        last_trade(listing),
        plain(listing.strike),
        listing.right,
        listing.exchange,
        listing.currency,
        listing.local_symbol,
        listing.market_name,
        listing.trading_class,
        listing.con_id,
        listing.min_tick,
    ]
    if version < 164:
        fields.append(100 if stock else 1)
    fields += [
        listing.multiplier,
        ORDER_TYPES,
        ",".join(listing.exchanges),
        1,
        listing.under_con_id,
        listing.name,
        listing.primary_exchange,
        expiry[:6],
        "",
        "",
        "",
        listing.zone_name,
        *hours,
        "",
        "",
        0,
        AGGREGATION_GROUPS.get(listing.sec_type, 2147483647),
        underlying,
        under_type,
        ",".join(str(rule) for rule in rule_ids(listing)),
        expiry,
        listing.stock_type,
    ]
    if version == 163:
        fields.append(100 if stock else 1)
    if version >= 164:
        fields += ["0.0001", "0.0001", 100] if stock else [1, 1, 1]
    return frame(*fields)


def last_trade(listing: Listing) -> str:
    """yyyymmdd, for options with time and zone of the login, as TWS gives it in details."""
    if not listing.expiry:
        return ""
    wall = datetime.fromtimestamp(listing.expires_at, listing.zone)
    return f"{wall:%Y%m%d %H:%M:%S} {listing.zone_name}"


def contract_details_end(request: int) -> bytes:
    return frame(52, 1, request)


def option_parameters(
    request: int,
    exchange: str,
    under_con_id: int,
    trading_class: str,
    multiplier: str,
    expiries: Iterable[date],
    strikes: Iterable[float],
) -> bytes:
    days, levels = [f"{day:%Y%m%d}" for day in expiries], [repr(float(strike)) for strike in strikes]
    return frame(75, request, exchange, under_con_id, trading_class, multiplier, len(days), *days, len(levels), *levels)


def option_parameters_end(request: int) -> bytes:
    return frame(76, request)
