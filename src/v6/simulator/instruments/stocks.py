"""More stocks and funds of the synthetic world, for watchlists and the scanner.

Symbols, exchanges and names are public facts; levels, volumes and contract ids are invented (an id is drawn from the
symbol), those of the best known excepted.
"""

from datetime import timedelta
from typing import NamedTuple

from v6.simulator.instruments.con_ids import EPOCH, Identity, encode
from v6.simulator.market import noise

NO_CLASS = 31


class Stock(NamedTuple):
    """`beta`, `own` (a year) shape its path; `options`: its trading class's index, 0: none; `step` between strikes."""

    symbol: str
    exchange: str
    name: str
    level: float
    daily_volume: float
    beta: float
    own: float
    options: int = 0
    step: float = 2.5
    kind: str = "COMMON"
    con_id: int = 0

    @property
    def number(self) -> int:
        """Its contract id; an invented one lies where no option's or future's does."""
        if self.con_id:
            return self.con_id
        drawn = noise.key("stock", self.symbol)
        return encode(Identity(NO_CLASS, EPOCH + timedelta(days=drawn % 8192), drawn >> 13 & 4095, False))

    @property
    def volatility(self) -> float:
        """Of its options, in units of the S&P 500's, about as its own path has it."""
        total: float = (self.beta**2 + (self.own / 0.15) ** 2) ** 0.5
        return round(total, 2)


STOCKS = (
    # the watchlist's
    Stock("IXHL", "NASDAQ", "INCANNEX HEALTHCARE INC", 0.6, 2.5e7, 1.0, 0.55),
    Stock("NUAI", "NASDAQ", "NEW ERA ENERGY & DIGITAL INC", 4.2, 1.2e7, 1.5, 0.55),
    Stock("BZAI", "NASDAQ", "BLAIZE HOLDINGS INC", 3.4, 5e6, 1.5, 0.5),
    Stock("ELTP", "PINK", "ELITE PHARMACEUTICALS INC", 0.65, 2e6, 0.4, 0.35),
    Stock("OPEN", "NASDAQ", "OPENDOOR TECHNOLOGIES INC", 7.5, 2e8, 1.8, 0.5, 11, 0.5),
    Stock("CEG", "NASDAQ", "CONSTELLATION ENERGY", 350.0, 3e6, 1.2, 0.3, 12, 5.0),
    Stock("VRT", "NYSE", "VERTIV HOLDINGS CO-A", 175.0, 7e6, 1.8, 0.35, 13),
    Stock("PLTR", "NASDAQ", "PALANTIR TECHNOLOGIES INC-A", 170.0, 6e7, 1.7, 0.35, 14, 2.5, con_id=444857009),
    Stock("UPST", "NASDAQ", "UPSTART HOLDINGS INC", 45.0, 6e6, 2.0, 0.45, 15, 1.0),
    Stock("TEM", "NASDAQ", "TEMPUS AI INC", 70.0, 9e6, 1.7, 0.45, 16),
    Stock("HTFL", "NASDAQ", "HEARTFLOW INC", 30.0, 1.5e6, 1.3, 0.4),
    Stock("SDGR", "NASDAQ", "SCHRODINGER INC", 18.0, 1.5e6, 1.4, 0.4, 17, 1.0),
    Stock("APLD", "NASDAQ", "APPLIED DIGITAL CORP", 25.0, 3e7, 2.0, 0.5, 18, 0.5),
    Stock("SOFI", "NASDAQ", "SOFI TECHNOLOGIES INC", 27.0, 6e7, 1.7, 0.35, 19, 0.5),
    Stock("CORZ", "NASDAQ", "CORE SCIENTIFIC INC", 15.0, 2.2e7, 2.0, 0.45, 23, 0.5),
    Stock("WULF", "NASDAQ", "TERAWULF INC", 14.0, 4e7, 2.0, 0.5, 24, 0.5),
    # others that scans find
    Stock("AMD", "NASDAQ", "ADVANCED MICRO DEVICES", 220.0, 6e7, 1.7, 0.3, 25),
    Stock("META", "NASDAQ", "META PLATFORMS INC-CLASS A", 620.0, 1.5e7, 1.2, 0.2, 26, 5.0),
    Stock("AMZN", "NASDAQ", "AMAZON.COM INC", 225.0, 4e7, 1.2, 0.18, 27),
    Stock("GOOGL", "NASDAQ", "ALPHABET INC-CL A", 290.0, 3.5e7, 1.1, 0.18, 28),
    Stock("NFLX", "NASDAQ", "NETFLIX INC", 110.0, 3e7, 1.1, 0.22),
    Stock("INTC", "NASDAQ", "INTEL CORP", 36.0, 9e7, 1.3, 0.3),
    Stock("MU", "NASDAQ", "MICRON TECHNOLOGY INC", 230.0, 2.5e7, 1.7, 0.32),
    Stock("COIN", "NASDAQ", "COINBASE GLOBAL INC -CLASS A", 270.0, 1e7, 2.0, 0.4),
    Stock("MARA", "NASDAQ", "MARA HOLDINGS INC", 12.0, 5e7, 2.0, 0.5),
    Stock("RIVN", "NASDAQ", "RIVIAN AUTOMOTIVE INC-A", 15.0, 4e7, 1.6, 0.4),
    Stock("F", "NYSE", "FORD MOTOR CO", 13.0, 6e7, 1.2, 0.2),
    Stock("BAC", "NYSE", "BANK OF AMERICA CORP", 52.0, 3.5e7, 1.0, 0.15),
    Stock("JPM", "NYSE", "JPMORGAN CHASE & CO", 305.0, 9e6, 1.0, 0.13),
    Stock("XOM", "NYSE", "EXXON MOBIL CORP", 117.0, 1.4e7, 0.6, 0.16),
    Stock("KO", "NYSE", "COCA-COLA CO/THE", 71.0, 1.5e7, 0.4, 0.1),
    Stock("PFE", "NYSE", "PFIZER INC", 25.0, 5e7, 0.6, 0.15),
    Stock("T", "NYSE", "AT&T INC", 26.0, 3.5e7, 0.5, 0.13),
    Stock("DIS", "NYSE", "WALT DISNEY CO/THE", 105.0, 9e6, 1.0, 0.17),
    Stock("NKE", "NYSE", "NIKE INC -CL B", 64.0, 1.4e7, 1.0, 0.22),
    Stock("BA", "NYSE", "BOEING CO/THE", 190.0, 7e6, 1.2, 0.24),
    Stock("UBER", "NYSE", "UBER TECHNOLOGIES INC", 90.0, 1.8e7, 1.3, 0.25),
    Stock("SNAP", "NYSE", "SNAP INC - A", 8.0, 5e7, 1.4, 0.38),
    Stock("GME", "NYSE", "GAMESTOP CORP-CLASS A", 21.0, 8e6, 1.0, 0.4),
    Stock("AAL", "NASDAQ", "AMERICAN AIRLINES GROUP INC", 13.0, 5e7, 1.5, 0.32),
    Stock("WMT", "NYSE", "WALMART INC", 103.0, 1.7e7, 0.6, 0.12),
    Stock("V", "NYSE", "VISA INC-CLASS A SHARES", 330.0, 6e6, 0.9, 0.1),
    Stock("AVGO", "NASDAQ", "BROADCOM INC", 350.0, 2.5e7, 1.5, 0.27),
    Stock("MSTR", "NASDAQ", "STRATEGY INC", 200.0, 1.5e7, 2.2, 0.5),
    Stock("SMCI", "NASDAQ", "SUPER MICRO COMPUTER INC", 36.0, 3e7, 1.9, 0.45),
    Stock("HOOD", "NASDAQ", "ROBINHOOD MARKETS INC - A", 120.0, 3e7, 2.0, 0.4),
    Stock("GLD", "ARCA", "SPDR GOLD SHARES", 375.0, 1e7, 0.1, 0.13, kind="ETF"),
    Stock("TLT", "NASDAQ", "ISHARES 20+ YEAR TREASURY BD", 89.0, 3.5e7, -0.2, 0.12, kind="ETF"),
    Stock("XLF", "ARCA", "FINANCIAL SELECT SECTOR SPDR", 52.0, 4e7, 0.9, 0.06, kind="ETF"),
    Stock("DIA", "ARCA", "SPDR DJIA TRUST", 468.0, 3e6, 0.9, 0.04, kind="ETF"),
)
