"""The tables of the account: what was held, ordered and traded, and what does not add up."""

from __future__ import annotations

from v6.store.columns import DAY, MONTH, RIGHTS, TASK, Column, Table

CHECKED_AT = Column("slot", "timestamp", "instant of the check it belongs to, whole seconds", required=True)
ACCOUNT = Column("account", "string", "IBKR's account id", required=True)
INSTRUMENT = (
    Column("con_id", "long", "IBKR's id of the contract", required=True),
    Column("symbol", "string", "symbol, of an option its underlying's", required=True),
    Column("sec_type", "string", "STK, IND, OPT, FUT ...", required=True),
    Column("local_symbol", "string", "as TWS writes it"),
    Column("expiry", "date", "of options and futures"),
    Column("strike", "double", "of options", "price"),
    Column("right", "string", "of options", allowed=RIGHTS),
    Column("multiplier", "double", "units per contract", "measure"),
)
BREAKS = frozenset(
    {
        "missing",
        "unexpected",
        "quantity",
        "average_cost",
        "corporate_action",
        "order_missing",
        "order_unexpected",
        "order_changed",
    }
)
OUTCOMES = BREAKS | {"baseline", "checked", "resolved"}

POSITIONS = Table(
    "positions",
    "what TWS said was held, at each check",
    (
        MONTH,
        DAY,
        CHECKED_AT,
        TASK,
        ACCOUNT,
        *INSTRUMENT,
        Column("quantity", "double", "held", "signed_size", required=True),
        Column("average_cost", "double", "as TWS counts it: per contract, with its multiplier", "money"),
    ),
    key=("slot", "account", "con_id"),
    order=("slot", "account", "symbol", "con_id"),
    statistics=("trade_date", "slot", "con_id"),
    partition="month",
)

OPEN_ORDERS = Table(
    "open_orders",
    "what TWS said was working, at each check",
    (
        MONTH,
        DAY,
        CHECKED_AT,
        TASK,
        ACCOUNT,
        *INSTRUMENT,
        Column("perm_id", "long", "the only stable number of an order", required=True),
        Column("client_id", "integer", "who placed it", required=True),
        Column("order_id", "integer", "its number there", required=True),
        Column("action", "string", "BUY or SELL", required=True),
        Column("order_type", "string", "LMT, STP ...", required=True),
        Column("quantity", "double", "ordered", "size", required=True),
        Column("filled", "double", "done of it", "size", required=True),
        Column("limit_price", "double", "null: none", "money"),
        Column("stop_price", "double", "null: none", "money"),
        Column("tif", "string", "time in force", required=True),
        Column("state", "string", "TWS's word for its status", required=True),
    ),
    key=("slot", "perm_id", "client_id", "order_id"),
    order=("slot", "perm_id", "order_id"),
    statistics=("trade_date", "slot", "perm_id"),
    partition="month",
)

EXECUTIONS = Table(
    "executions",
    "every fill that TWS told of; it tells only those since midnight",
    (
        MONTH,
        DAY,
        Column("slot", "timestamp", "the check that first heard of it, whole seconds", required=True),
        TASK,
        ACCOUNT,
        *INSTRUMENT,
        Column("exec_id", "string", "IBKR's id of the fill", required=True),
        Column("perm_id", "long", "its order", required=True),
        Column("client_id", "integer", "who placed that", required=True),
        Column("order_id", "integer", "its number there", required=True),
        Column("side", "string", "bought or sold", required=True, allowed=frozenset({"BOT", "SLD"})),
        Column("quantity", "double", "filled", "size", required=True),
        Column("price", "double", "at", "money", required=True),
        Column("executed_at", "timestamp", "when", required=True),
    ),
    key=("exec_id",),
    order=("executed_at", "exec_id"),
    statistics=("trade_date", "con_id"),
    partition="month",
)

RECONCILIATION = Table(
    "reconciliation",
    "what each check of positions and orders found: one row `checked` or `baseline` an account, one a break",
    (
        MONTH,
        DAY,
        CHECKED_AT,
        TASK,
        ACCOUNT,
        Column("outcome", "string", "what was found", required=True, allowed=OUTCOMES),
        Column(
            "subject",
            "string",
            "con_id (old->new where it became another) or permId of the order; account: all of it",
            required=True,
        ),
        Column("symbol", "string", "of the position or order"),
        Column("expected", "double", "stored quantity or cost, explained by executions since", "measure"),
        Column("found", "double", "what TWS says", "measure"),
        Column("since", "timestamp", "when the break was first seen"),
        Column("message", "string", "in words", required=True),
    ),
    key=("slot", "account", "outcome", "subject"),
    order=("slot", "account", "outcome", "subject"),
    statistics=("trade_date", "slot", "outcome"),
    partition="month",
)
