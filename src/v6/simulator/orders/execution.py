"""One execution of an order and the commission reported for it. Values only."""

from typing import NamedTuple


class Execution(NamedTuple):
    """`time` in epoch seconds; `side` BOT or SLD; `cumulative` and `average_price` of the order so far."""

    exec_id: str
    time: float
    account: str
    exchange: str
    side: str
    shares: float
    price: float
    perm_id: int
    client_id: int
    order_id: int
    liquidation: int = 0
    cumulative: float = 0.0
    average_price: float = 0.0
    order_ref: str = ""
    ev_rule: str = ""
    ev_multiplier: float | None = None
    model_code: str = ""
    last_liquidity: int = 0  # 0 none, 1 added, 2 removed, 3 routed out
    pending_price_revision: bool = False


class CommissionReport(NamedTuple):
    """`realized_pnl` None for an opening execution; `redemption_date` yyyymmdd of a bond, 0 for none."""

    exec_id: str
    commission: float
    currency: str
    realized_pnl: float | None = None
    yield_: float | None = None
    redemption_date: int = 0
