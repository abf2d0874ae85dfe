"""What TWS refuses before it sends an order on, and what IB refuses then: two tables of checks, the first refusal wins.

Texts are in refusals. TWS's precautions (size, value, percentage) are those of its order presets, which count for API
orders unless "Bypass Order Precautions for API Orders" is set.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from math import isfinite

from v6.simulator.instruments.listings import Listing
from v6.simulator.market.hours import Hours
from v6.simulator.market.quotes import Snapshot
from v6.simulator.options import Options
from v6.simulator.orders.order import Order
from v6.simulator.trading import refusals, timing
from v6.simulator.trading.refusals import Refusal

WORKED = ("MKT", "LMT", "STP", "STP LMT", "TRAIL", "TRAIL LIMIT", "MOC", "LOC", "MIT", "LIT", "MTL", "REL")
ALIASES = {"STPLMT": "STP LMT", "TRAILLMT": "TRAIL LIMIT", "TRAIL LMT": "TRAIL LIMIT", "LMTCLS": "LOC", "MKTCLS": "MOC"}
# other types TWS knows, on other exchanges or with other permissions
KNOWN = frozenset((
    "PEG MKT", "PEG MID", "PEG BEST", "PEG BENCH", "PEGMKT", "PEGMID", "PEGBENCH", "BOX TOP", "VOL", "MIDPRICE",
    "SNAP MKT", "SNAP MID", "SNAP PRIM", "PASSV REL", "REL + LMT", "REL + MKT", "LMT + MKT", "TRAIL MIT", "TRAIL LIT",
    "MKT PRT", "STP PRT", "AUC", "FUNARI", "QUOTE", "RPI", "PEG STK", "PEG PRIM", "ONE CANCELS ALL",
))  # fmt: skip
NEEDS_LIMIT = frozenset(("LMT", "STP LMT", "LOC", "LIT"))
NEEDS_STOP = frozenset(("STP", "STP LMT", "MIT", "LIT"))
TIFS = frozenset(("DAY", "GTC", "IOC", "FOK", "GTD", "OPG"))
WITHOUT_FILL_OR_KILL = frozenset(("STP", "STP LMT", "TRAIL", "TRAIL LIMIT", "MIT", "LIT", "REL"))
# ibapi 9.81 sets the first two by default
OLD_ATTRIBUTES = {
    "etrade_only": (10268, "EtradeOnly"), "firm_quote_only": (10269, "FirmQuoteOnly"),
    "nbbo_price_cap": (10270, "NbboPriceCap"),
}  # fmt: skip
ALGORITHMS = frozenset((
    "ADAPTIVE", "VWAP", "TWAP", "ARRIVALPX", "DARKICE", "PCTVOL", "AD", "CLOSEPX", "BALANCEIMPACTRISK", "MINIMPACT",
    "PCTVOLPX", "PCTVOLSZ", "PCTVOLTM",
))  # fmt: skip
UNSET, MOST_PRICE, WHOLE = 1.7e308, 1e9, 100


@dataclass(frozen=True, slots=True)
class Asked:
    """An order with everything a check may look at."""

    order_id: int
    listing: Listing
    order: Order
    options: Options
    hours: Hours
    now: datetime
    quote: Snapshot | None


def normal(order: Order, listing: Listing, options: Options) -> tuple[Order, list[tuple[int, str]]]:
    """The order as TWS completes it from its presets, and what it says about that (the order goes on)."""
    notices: list[tuple[int, str]] = []
    changed: dict[str, object] = {"order_type": ALIASES.get(order.order_type, order.order_type)}
    if not order.tif:
        changed["tif"] = "DAY"
        if options.preset_notices:
            notices.append(refusals.TIF_PRESET)
    if not order.account and len(options.accounts) == 1:
        changed["account"] = options.accounts[0]
    for name in ("limit_price", "nbbo_price_cap", "aux_price", "trail_stop_price", "trailing_percent", "limit_offset"):
        value = getattr(order, name)
        if value is not None and value >= UNSET:
            changed[name] = None
    completed = replace(order, **changed)  # type: ignore[arg-type]
    if order.outside_rth and not timing.outside_allowed(listing, completed):
        completed = replace(completed, outside_rth=False)
        notices.append(refusals.OUTSIDE_IGNORED)
    return completed, notices


def _side(asked: Asked) -> Refusal | None:
    return None if asked.order.action in ("BUY", "SELL") else refusals.SIDE


def _account(asked: Asked) -> Refusal | None:
    account = asked.order.account
    if not account:
        return refusals.NO_ALLOCATION
    return None if account in asked.options.accounts else refusals.invalid_account(account)


def _type(asked: Asked) -> Refusal | None:
    kind = asked.order.order_type
    if kind in KNOWN or asked.listing.sec_type == "IND":
        return refusals.UNSUPPORTED_TYPE
    return None if kind in WORKED else refusals.ORDER_TYPE


def _tif(asked: Asked) -> Refusal | None:
    kind, tif = asked.order.order_type, asked.order.tif
    if tif not in TIFS:
        return refusals.TIF
    if kind in ("MOC", "LOC") and tif != "DAY":
        return refusals.CLOSE_NEEDS_DAY
    if tif in ("IOC", "FOK") and kind in WITHOUT_FILL_OR_KILL:
        return refusals.TIF_AND_TYPE
    if tif == "OPG":
        if kind not in ("MKT", "LMT"):
            return refusals.TIF_AND_TYPE
        if timing.regular(asked.hours, asked.listing, asked.now.timestamp()).contains(asked.now.timestamp()):
            return refusals.ORDER_TYPE  # after the opening, as recorded
    return None


def _times(asked: Asked) -> Refusal | None:
    try:
        ends = timing.ends(asked.hours, asked.listing, asked.order, asked.now)
    except timing.TimeError:
        return refusals.TIME
    return refusals.TIME if 0 < ends <= asked.now.timestamp() else None


def _attributes(asked: Asked) -> Refusal | None:
    """Attributes that newer TWS does not take any more, though older clients set them, and those not worked here."""
    order = asked.order
    if asked.options.refuse_old_attributes:
        for field, (code, name) in OLD_ATTRIBUTES.items():
            if getattr(order, field):
                return Refusal(code, f"The '{name}' order attribute is not supported.")
    if order.cash_quantity:
        return refusals.CASH_QUANTITY
    if order.algo_strategy and order.algo_strategy.upper() not in ALGORITHMS:
        return refusals.NO_ALGORITHM
    adjusted = order.adjusted_order_type not in ("", "None")
    return refusals.UNSUPPORTED_TYPE if adjusted or order.scale_init_level_size or order.hedge_type else None


def _quantity(asked: Asked) -> Refusal | None:
    quantity = asked.order.total_quantity
    if not isfinite(quantity) or quantity <= 0 or quantity >= UNSET:
        return refusals.ZERO_SIZE
    return refusals.FRACTION if quantity != int(quantity) else None


def _prices(asked: Asked) -> Refusal | None:
    order = asked.order
    if order.limit_offset is not None and not isfinite(order.limit_offset):
        return refusals.NO_PRICE
    if order.order_type in NEEDS_LIMIT and not order.limit_price:
        return refusals.NO_PRICE
    if order.order_type in NEEDS_STOP and not order.aux_price:
        return refusals.STOP_PRICE
    if order.order_type in ("TRAIL", "TRAIL LIMIT"):
        if not (order.aux_price or order.trailing_percent):
            return refusals.STOP_PRICE
        if order.order_type == "TRAIL LIMIT" and order.limit_offset is None and order.limit_price is None:
            return refusals.NO_PRICE
    used = [order.limit_price, order.aux_price, order.trail_stop_price]
    if any(price is not None and not 0 <= price <= MOST_PRICE for price in used):
        return refusals.NO_PRICE
    if order.trailing_percent is not None and not 0 <= order.trailing_percent < WHOLE:
        return refusals.PERCENT
    return refusals.NO_PRICE if abs(order.limit_offset or 0.0) > MOST_PRICE else None


def on_tick(price: float, tick: float) -> bool:
    return abs(price / tick - round(price / tick)) < 1e-6


def _increments(asked: Asked) -> Refusal | None:
    order, tick = asked.order, asked.listing.min_tick
    prices = [order.limit_price, order.trail_stop_price]
    if order.order_type in NEEDS_STOP or (order.aux_price and order.order_type in ("TRAIL", "TRAIL LIMIT")):
        prices.append(order.aux_price)
    return refusals.MIN_VARIATION if any(price and not on_tick(price, tick) for price in prices) else None


def _precautions(asked: Asked) -> Refusal | None:
    options, order = asked.options, asked.order
    if not options.order_precautions or order.what_if:
        return None
    if order.total_quantity > options.size_limit > 0:
        return refusals.too_large(asked.order_id, options.size_limit)
    price = order.limit_price or (asked.quote.last if asked.quote else None) or 0.0
    value = order.total_quantity * price * float(asked.listing.multiplier or 1)
    if value > options.value_limit > 0 and asked.listing.sec_type != "FUT":
        return refusals.too_dear(asked.order_id, value, options.value_limit)
    return None


def _percentage(asked: Asked) -> Refusal | None:
    options, order, quote = asked.options, asked.order, asked.quote
    if not options.order_precautions or order.order_type != "LMT" or quote is None or not order.limit_price:
        return None
    near = quote.ask if order.action == "BUY" else quote.bid
    if near is None or near <= 0 or asked.listing.sec_type == "OPT":
        return None
    beyond = order.limit_price / near - 1 if order.action == "BUY" else 1 - order.limit_price / near
    return refusals.OUT_OF_RANGE if beyond > options.percentage_limit > 0 else None


CHECKS: tuple[Callable[[Asked], Refusal | None], ...] = (
    _side, _account, _type, _tif, _attributes, _quantity, _prices, _times, _increments, _precautions, _percentage,
)  # fmt: skip


def check(asked: Asked) -> Refusal | None:
    """What TWS refuses, None when it sends the order on."""
    return next((refusal for test in CHECKS if (refusal := test(asked)) is not None), None)


# modifying

CHANGES = {"LMT": ("MKT", "LMT"), "MKT": ("MKT", "LMT")}


def check_change(before: Order, after: Order, same_contract: bool) -> Refusal | None:
    """What may not change in an order. A limit order may become a market order, as recorded."""
    if not same_contract or before.action != after.action or before.account != after.account:
        return refusals.DOES_NOT_MATCH
    if before.parent_id != after.parent_id:
        return refusals.PARENT_CHANGE
    if before.oca_group and after.oca_group not in ("", before.oca_group):
        return refusals.DOES_NOT_MATCH
    if after.order_type not in CHANGES.get(before.order_type, (before.order_type,)):
        return refusals.TYPE_CHANGE
    return None
