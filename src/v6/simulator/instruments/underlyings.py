"""The instruments of the synthetic world. Contract ids, exchanges and names are public facts; levels are invented."""

from dataclasses import dataclass, field

from v6.simulator.instruments.stocks import STOCKS, Stock

OPTION_EXCHANGES = (
    "AMEX", "BATS", "BOX", "CBOE", "CBOE2", "EDGX", "EMERALD", "GEMINI", "IBUSOPT", "ISE", "MEMX", "MERCURY", "MIAX",
    "NASDAQBX", "NASDAQOM", "PEARL", "PHLX", "PSE", "SMART",
)  # fmt: skip
STOCK_EXCHANGES = ("SMART", "AMEX", "NYSE", "CBOE", "PHLX", "ISE", "CHX", "ARCA", "NASDAQ", "BATS", "IEX", "MEMX")


@dataclass(frozen=True)
class OptionClass:
    """A trading class. `unit` is the finest strike distance its con_ids can tell apart."""

    name: str
    index: int
    unit: float
    step: float
    kind: str = "all"  # all | monthly | weekly | flex
    exchanges: tuple[str, ...] = OPTION_EXCHANGES
    tick: float = 0.01


@dataclass(frozen=True)
class Underlying:
    """`base` is the level the price wanders around; `beta` and `own` (a year) shape its path."""

    symbol: str
    sec_type: str
    con_id: int
    primary_exchange: str
    name: str
    base: float
    beta: float = 1.0
    own: float = 0.05
    dividend: float = 0.0
    volatility: float = 1.0
    daily_volume: float = 0.0
    dailies: bool = False
    stock_type: str = "COMMON"
    market: str = "NMS"
    follows: str = ""  # an index that is `base` / the followed one's base times that one's price
    classes: tuple[OptionClass, ...] = field(default=())


@dataclass(frozen=True)
class Future:
    symbol: str
    index: int
    follows: str
    name: str
    multiplier: str
    tick: float
    daily_volume: float


def _underlying(stock: Stock) -> Underlying:
    classes = (OptionClass(stock.symbol, stock.options, 0.5, stock.step),) if stock.options else ()
    return Underlying(
        stock.symbol, "STK", stock.number, stock.exchange, stock.name, stock.level, stock.beta, stock.own, 0.0,
        stock.volatility, stock.daily_volume, False, stock.kind, "NMS" if stock.exchange != "PINK" else "PINK", "",
        classes,
    )  # fmt: skip


_CBOE = ("CBOE", "IBUSOPT", "SMART")
UNDERLYINGS = {
    each.symbol: each
    for each in (
        Underlying(
            "SPY", "STK", 756733, "ARCA", "SS SPDR S&P 500 ETF TRUST-US", 690.0, 1.0, 0.01, 0.011, 1.0, 7e7, True,
            "ETF", "SPY", "", (OptionClass("SPY", 1, 0.5, 1.0), OptionClass("2SPY", 2, 0.5, 5.0, "flex")),
        ),
        Underlying(
            "QQQ", "STK", 320227571, "NASDAQ", "INVESCO QQQ TRUST SERIES 1", 620.0, 1.2, 0.06, 0.005, 1.25, 5e7, True,
            "ETF", "NMS", "", (OptionClass("QQQ", 3, 0.5, 1.0),),
        ),
        Underlying(
            "IWM", "STK", 9579970, "ARCA", "ISHARES RUSSELL 2000 ETF", 250.0, 1.15, 0.09, 0.01, 1.35, 3e7, True,
            "ETF", "IWM", "", (OptionClass("IWM", 4, 0.5, 1.0),),
        ),
        Underlying(
            "AAPL", "STK", 265598, "NASDAQ", "APPLE INC", 270.0, 1.1, 0.15, 0.004, 1.5, 5e7, False,
            "COMMON", "NMS", "", (OptionClass("AAPL", 5, 0.5, 2.5),),
        ),
        Underlying(
            "NVDA", "STK", 4815747, "NASDAQ", "NVIDIA CORP", 185.0, 1.6, 0.25, 0.0, 2.3, 1.8e8, False,
            "COMMON", "NMS", "", (OptionClass("NVDA", 6, 0.5, 2.5),),
        ),
        Underlying(
            "TSLA", "STK", 76792991, "NASDAQ", "TESLA INC", 430.0, 1.7, 0.35, 0.0, 2.8, 9e7, False,
            "COMMON", "NMS", "", (OptionClass("TSLA", 7, 0.5, 2.5),),
        ),
        Underlying(
            "MSFT", "STK", 272093, "NASDAQ", "MICROSOFT CORP", 510.0, 1.0, 0.13, 0.007, 1.3, 2.2e7, False,
            "COMMON", "NMS", "", (OptionClass("MSFT", 8, 0.5, 2.5),),
        ),
        Underlying(
            "SPX", "IND", 416904, "CBOE", "S&P 500 Stock Index", 6890.0, dividend=0.012, follows="SPY",
            classes=(
                OptionClass("SPX", 9, 5.0, 25.0, "monthly", _CBOE, 0.05),
                OptionClass("SPXW", 10, 5.0, 10.0, "weekly", _CBOE, 0.05),
            ),
        ),
        Underlying("NDX", "IND", 416843, "NASDAQ", "NASDAQ 100 Stock Index", 25200.0, dividend=0.006, follows="QQQ"),
        Underlying("RUT", "IND", 416888, "RUSSELL", "Russell 2000 Stock Index", 2505.0, dividend=0.011, follows="IWM"),
        Underlying("VIX", "IND", 13455763, "CBOE", "CBOE Volatility Index", 16.5),
        *map(_underlying, STOCKS),
    )
}  # fmt: skip

FUTURES = {
    each.symbol: each
    for each in (
        Future("ES", 20, "SPX", "E-mini S&P 500", "50", 0.25, 1.6e6),
        Future("NQ", 21, "NDX", "E-mini NASDAQ 100", "20", 0.25, 6e5),
        Future("RTY", 22, "RUT", "E-Mini Russell 2000", "50", 0.1, 2e5),
    )
}
