"""Instruments whose every field can be told from its neighbours, and how the libraries name what they read of them."""

from datetime import date, datetime

from v6.clock import NEW_YORK
from v6.simulator.instruments.listings import Listing

STOCK = Listing(
    756733, "SPY", "STK", "SMART", "ARCA", "SPY PRA", "SPYX", "SPDR S&P 500 ETF TRUST", 0.01,
    ("SMART", "ARCA", "NYSE"), market_name="NMS", stock_type="ETF",
)  # fmt: skip
OPTION = Listing(
    712345678, "SPY", "OPT", "SMART", "AMEX", "SPY   270115C00615500", "2SPY", "SPDR S&P 500 ETF TRUST", 0.05,
    ("SMART", "CBOE"), "100", date(2027, 1, 15), datetime(2027, 1, 15, 16, 15, tzinfo=NEW_YORK).timestamp(), 615.5,
    "C", 756733, market_name="SPYM",
)  # fmt: skip
FUTURE = Listing(
    637533641, "ES", "FUT", "CME", "", "ESZ6", "ESC", "E-mini S&P 500", 0.25, ("CME",), "50", date(2026, 12, 18),
    datetime(2026, 12, 18, 9, 30, tzinfo=NEW_YORK).timestamp(), under_con_id=11004968, zone_name="US/Central",
    market_name="ESM", currency="CAD",
)  # fmt: skip

READ_STOCK = {
    "conId": 756733, "symbol": "SPY", "secType": "STK", "lastTradeDateOrContractMonth": "", "strike": 0,
    "multiplier": "", "currency": "USD", "localSymbol": "SPY PRA", "tradingClass": "SPYX",
}  # fmt: skip
READ_OPTION = {
    "conId": 712345678, "symbol": "SPY", "secType": "OPT", "lastTradeDateOrContractMonth": "20270115",
    "strike": 615.5, "right": "C", "multiplier": "100", "currency": "USD", "localSymbol": "SPY   270115C00615500",
    "tradingClass": "2SPY",
}  # fmt: skip
READ_FUTURE = {
    "conId": 637533641, "symbol": "ES", "secType": "FUT", "lastTradeDateOrContractMonth": "20261218", "strike": 0,
    "multiplier": "50", "currency": "CAD", "localSymbol": "ESZ6", "tradingClass": "ESC",
}  # fmt: skip
