"""Trading states for tests: a small account before a restart, and hypothesis strategies for any state there can be."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from v6.clock import NEW_YORK
from v6.model import Contract, Execution, OpenOrder, Position, ScannerFilter
from v6.restart.records.trading_state import TradingState

ACCOUNT = "DU9000001"
SPY = Contract("STK", "SPY", "SMART", 756733, primary_exchange="ARCA")
ES = Contract("FUT", "ES", "CME", 495512563, multiplier=50.0, expiry=date(2026, 12, 18), local_symbol="ESZ6")
CALL = Contract(
    "OPT", "SPY", "SMART", 700000001, trading_class="SPY", multiplier=100.0, expiry=date(2026, 12, 18), strike=612.5,
    right="C",
)  # fmt: skip
START = datetime(2026, 11, 23, 23, 45, tzinfo=NEW_YORK)
END = START + timedelta(minutes=20)
SAVED = START - timedelta(minutes=4)
AFTER = END + timedelta(minutes=6)


def order(perm_id: int = 501, **changes: Any) -> OpenOrder:
    """BUY 5 SPY LMT 590 of client 20."""
    usual: dict[str, Any] = {
        "client_id": 20, "order_id": perm_id - 490, "account": ACCOUNT, "contract": SPY, "action": "BUY",
        "order_type": "LMT", "quantity": 5.0, "tif": "DAY", "status": "Submitted", "remaining": 5.0,
        "limit_price": 590.0,
    }  # fmt: skip
    return OpenOrder(perm_id=perm_id, **usual | changes)


def execution(perm_id: int = 501, quantity: float = 5.0, **changes: Any) -> Execution:
    usual: dict[str, Any] = {
        "exec_id": f"0001.{perm_id}.{quantity:g}.01", "client_id": 20, "order_id": perm_id - 490, "account": ACCOUNT,
        "contract": SPY, "side": "BOT", "price": 590.0, "at": START,
    }  # fmt: skip
    return Execution(perm_id=perm_id, quantity=quantity, **usual | changes)


def position(contract: Contract = SPY, quantity: float = 100.0) -> Position:
    return Position(ACCOUNT, contract, quantity, 580.25)


def state(**changes: Any) -> TradingState:
    """As pre_restart saves it, four minutes before the window."""
    usual: dict[str, Any] = {
        "saved_at": SAVED,
        "restart_id": 7,
        "window": "daily_restart",
        "window_start": START,
        "window_end": END,
        "accounts": (ACCOUNT,),
        "orders": (order(501), order(502, client_id=30)),
        "positions": (position(), position(ES, -2.0)),
        "account_values": {ACCOUNT: {"NetLiquidation": "100000.25", "TotalCashValue": "42000.00"}},
        "subscriptions": (SPY, ES, CALL),
        "scanners": (ScannerFilter("STK", "STK.US.MAJOR", "TOP_PERC_GAIN", filters=(("priceAbove", "10"),)),),
        "order_ids": {20: 12, 30: 12},
    }
    return TradingState(**usual | changes)


TEXTS = st.text(max_size=12)
NUMBERS = st.floats(allow_nan=False)
IDS = st.integers(-(2**63), 2**63)
INSTANTS = st.datetimes(datetime(1990, 1, 1), datetime(2090, 1, 1), timezones=st.just(UTC)).map(
    lambda instant: instant.astimezone(NEW_YORK)
)
REPEATED_HOUR = st.integers(0, 7199).map(  # of 2026-11-01, 01:00 EDT to 02:00 EST
    lambda second: (datetime(2026, 11, 1, 5, tzinfo=UTC) + timedelta(seconds=second)).astimezone(NEW_YORK)
)
CONTRACTS = st.builds(
    Contract,
    sec_type=st.sampled_from(["STK", "OPT", "FUT", "BOND", "CASH"]),
    symbol=TEXTS,
    exchange=TEXTS,
    con_id=IDS,
    multiplier=st.none() | NUMBERS,
    expiry=st.none() | st.dates(),
    strike=st.none() | NUMBERS,
    right=st.sampled_from([None, "C", "P"]),
)
ORDERS = st.builds(OpenOrder, contract=CONTRACTS, perm_id=IDS, limit_price=st.none() | NUMBERS, quantity=NUMBERS)
EXECUTIONS = st.builds(Execution, contract=CONTRACTS, quantity=NUMBERS, price=NUMBERS, at=INSTANTS)
POSITIONS = st.builds(Position, contract=CONTRACTS, quantity=NUMBERS, average_cost=NUMBERS)
SCANNERS = st.builds(ScannerFilter, filters=st.lists(st.tuples(TEXTS, TEXTS), max_size=2).map(tuple))


def some(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.lists(values, max_size=3).map(tuple)


STATES = st.builds(
    TradingState,
    saved_at=INSTANTS | REPEATED_HOUR,
    restart_id=st.none() | IDS,
    window=TEXTS,
    window_start=st.none() | INSTANTS,
    window_end=st.none() | INSTANTS,
    partial=some(TEXTS),
    accounts=some(TEXTS),
    orders=some(ORDERS),
    completed=some(ORDERS),
    executions=some(EXECUTIONS),
    later_executions=some(EXECUTIONS),
    positions=some(POSITIONS),
    account_values=st.dictionaries(TEXTS, st.dictionaries(TEXTS, TEXTS, max_size=3), max_size=2),
    subscriptions=some(CONTRACTS),
    scanners=some(SCANNERS),
    order_ids=st.dictionaries(IDS, IDS, max_size=3),
    next_order_ids=st.dictionaries(IDS, IDS, max_size=3),
)
