"""What TWS knows by heart: exchanges, their letters, news providers, and the names a symbol search finds.

Recorded from IB Gateway (ibkr-go's public captures of 2026): the smart components of `9c0001`, the eight free news
providers, the family code of an account outside any family, the display groups. Depth exchanges: the American rows of
the recorded 307.
"""

from collections.abc import Iterator

from v6.simulator.instruments.underlyings import FUTURES, UNDERLYINGS, Future, Underlying
from v6.simulator.messages.reference import Sample

UNSET = 2147483647
DISPLAY_GROUPS = (1, 2, 3, 4, 5, 6, 7)
NO_CONTRACT = "none"
FAMILY_CODES = (("*", ""),)
NEWS_PROVIDERS = (
    ("BRFG", "Briefing.com General Market Columns"),
    ("BRFUPDN", "Briefing.com Analyst Actions"),
    ("DJ-N", "Dow Jones Global Equity Trader"),
    ("DJ-RT", "Dow Jones Trader News"),
    ("DJ-RTA", "Dow Jones Top Stories Asia Pacific"),
    ("DJ-RTE", "Dow Jones Top Stories Europe"),
    ("DJ-RTG", "Dow Jones Top Stories Global"),
    ("DJNL", "Dow Jones Newsletters"),
)
_STOCK_LETTERS = (
    ("AMEX", "A"), ("BEX", "B"), ("NYSENAT", "C"), ("FINRA", "D"), ("ISE", "I"), ("EDGEA", "J"), ("DRCTEDGE", "K"),
    ("CHX", "M"), ("ARCA", "P"), ("NASDAQ", "Q"), ("IEX", "V"), ("T24X", "G"), ("PSX", "X"), ("BYX", "Y"),
    ("BATS", "Z"), ("NYSE", "N"), ("LTSE", "L"), ("MEMX", "U"), ("PEARL", "H"), ("TXSE", "F"),
)  # fmt: skip
# by the bboExchange of tickReqParams; its last four digits are the security type (1 STK)
SMART_COMPONENTS = {"9c0001": tuple((bit, name, letter) for bit, (name, letter) in enumerate(_STOCK_LETTERS))}

_DEEP = {
    "STK": ("AMEX", "ARCA", "ARCAEDGE", "BATS", "BEX", "BYX", "CHX", "IEX", "NYSE", "PINK", "PSX"),
    "OPT": ("AMEX", "BOX", "CME", "GEMINI", "ISE", "MERCURY", "NASDAQOM", "PSE"),
    "FUT": ("CFE", "CME", "COMEX", "NYMEX"),
    "FOP": ("CME", "COMEX", "NYMEX"),
    "BAG": ("AMEX", "CFE", "CME", "GEMINI", "ISE", "PSE"),
}
DEPTH_EXCHANGES: tuple[tuple[str, str, str, str, int], ...] = (
    *((exchange, kind, "", "Deep", UNSET) for kind, exchanges in _DEEP.items() for exchange in exchanges),
    ("NASDAQ", "STK", "", "Deep2", UNSET),
    ("ISLAND", "STK", "", "Deep2", UNSET),
    ("SMART", "BOND", "", "Deep", 7),
    ("SMART", "STK", "PINK", "AggDeep", 1),
    ("SMART", "STK", "OTCBB", "AggDeep", 1),
)

ON_STOCKS, ON_INDICES, ON_FUTURES = ("CFD", "OPT", "IOPT", "WAR", "BAG"), ("OPT", "BAG"), ("FUT", "FOP", "BAG")
# what a search finds for a future is its index on CME; the contract id of the Russell's is not known
FUTURE_INDEX = {"ES": 11004968, "NQ": 11004958, "RTY": 0}


def matches(pattern: str) -> list[Sample]:
    """What a symbol search finds: the symbol itself, symbols that begin so, names with a word that begins so."""
    wanted = " ".join(pattern.upper().split())

    def place(sample: Sample) -> int:
        if sample.symbol == wanted:
            return 0
        if sample.symbol.startswith(wanted):
            return 1
        return 2 if f" {wanted}" in f" {sample.description.upper()}" else 3

    return sorted((each for each in _samples() if place(each) < 3), key=place)


def _samples() -> Iterator[Sample]:
    for underlying in UNDERLYINGS.values():
        yield _of_underlying(underlying)
    for future in FUTURES.values():
        yield _of_future(future)


def _of_underlying(underlying: Underlying) -> Sample:
    derivatives = ON_STOCKS if underlying.sec_type == "STK" else ON_INDICES
    return Sample(
        underlying.con_id, underlying.symbol, underlying.sec_type, underlying.primary_exchange, "USD",
        derivatives if underlying.classes else (), underlying.name,
    )  # fmt: skip


def _of_future(future: Future) -> Sample:
    return Sample(FUTURE_INDEX.get(future.symbol, 0), future.symbol, "IND", "CME", "USD", ON_FUTURES, future.name)
