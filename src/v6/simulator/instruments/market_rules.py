"""Price increments (reqMarketRule) and which rule fits an instrument on each of its exchanges.

Numbers 26, 32, 109 and 110 and the steps of 26 and 110 are those of recorded contract details and answers; the numbers
of the futures' rules are not verified. Options of the broad ETFs trade in cents at any price, those of other stocks in
steps of 0.05 from 3.00 on, except where IBKR's smart routing and the price-improving exchanges take cents.
"""

from v6.simulator.instruments.listings import Listing

Steps = tuple[tuple[float, float], ...]

STOCK, PENNY, PENNY_PILOT, INDEX_OPTION, QUARTER_POINT, TENTH_POINT = 26, 32, 109, 110, 67, 239
RULES: dict[int, Steps] = {
    STOCK: ((0.0, 0.01),),
    PENNY: ((0.0, 0.01),),
    PENNY_PILOT: ((0.0, 0.01), (3.0, 0.05)),
    INDEX_OPTION: ((0.0, 0.05), (3.0, 0.1)),
    QUARTER_POINT: ((0.0, 0.25),),
    TENTH_POINT: ((0.0, 0.1),),
}
ALL_PENNIES = ("SPY", "QQQ", "IWM")
TAKE_PENNIES = ("SMART", "NASDAQOM", "NASDAQBX", "IBUSOPT")
BY_TICK = {0.25: QUARTER_POINT, 0.1: TENTH_POINT}


def rule_ids(listing: Listing) -> tuple[int, ...]:
    """The rule on each of the listing's exchanges, in their order."""
    return tuple(rule_id(listing, exchange) for exchange in listing.exchanges)


def rule_id(listing: Listing, exchange: str) -> int:
    if listing.sec_type == "FUT":
        return BY_TICK[listing.min_tick]
    if listing.sec_type != "OPT":
        return STOCK
    if listing.min_tick == 0.05:
        return INDEX_OPTION
    pennies = listing.symbol in ALL_PENNIES or exchange in TAKE_PENNIES
    return PENNY if pennies else PENNY_PILOT


def increment(listing: Listing, price: float, exchange: str = "") -> float:
    """The distance between valid prices at that price on that exchange ("": the listing's own)."""
    steps = RULES[rule_id(listing, exchange or listing.exchange)]
    return next(step for low, step in reversed(steps) if abs(price) >= low)
