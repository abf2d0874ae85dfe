"""Orders as a client's program describes them, and what the simulator must read of them at a version."""

from dataclasses import replace
from typing import Any

from layouts.case import Since
from layouts.cases.order_fields import (
    FLAGS,
    NUMBERS_AND_TEXTS,
    READ_COMPOSED,
    READ_CONDITIONS,
    READ_LEGS,
    READ_NEUTRAL,
    READ_TIER,
    full_order,
)  # fmt: skip

from v6.simulator.orders.order import ComboLeg, Order, SoftDollarTier

REQUEST_ONLY = (  # said by the client and never echoed: our name, IB's name, value
    ("transmit", "transmit", False), ("override_percentage_constraints", "overridePercentageConstraints", True),
    ("scale_table", "scaleTable", "table"), ("active_start_time", "activeStartTime", "20261124 09:31:00"),
    ("active_stop_time", "activeStopTime", "20261124 15:59:00"), ("algo_id", "algoId", "algo7"),
    ("ext_operator", "extOperator", "operator"), ("mifid2_decision_maker", "mifid2DecisionMaker", "maker"),
    ("mifid2_decision_algo", "mifid2DecisionAlgo", "decision"),
    ("mifid2_execution_trader", "mifid2ExecutionTrader", "trader"),
    ("mifid2_execution_algo", "mifid2ExecutionAlgo", "execution"),
    ("dont_use_auto_price_for_hedge", "dontUseAutoPriceForHedge", True),
    ("advanced_error_override", "advancedErrorOverride", "8229=IBDBUYTX"),
    ("manual_order_time", "manualOrderTime", "20261124 09:30:00"), ("auto_cancel_parent", "autoCancelParent", True),
)  # fmt: skip
ADDED = {
    "duration": 158, "post_to_ats": 160, "auto_cancel_parent": 162, "advanced_error_override": 166,
    "manual_order_time": 169,
}  # fmt: skip
PEGGED = ("min_trade_quantity", "min_compete_size", "compete_against_best_offset", "mid_offset_at_whole",
          "mid_offset_at_half")  # fmt: skip
NOT_IN_OFFICIAL = ("duration", "postToAts", "minTradeQty", "minCompeteSize", "competeAgainstBestOffset",
                   "midOffsetAtWhole", "midOffsetAtHalf", "advancedErrorOverride", "manualOrderTime")  # fmt: skip

CONTRACT: dict[str, Any] = {
    "conId": 28812380, "symbol": "SPY,IBM", "secType": "BAG", "lastTradeDateOrContractMonth": "", "strike": 0.0,
    "right": "", "multiplier": "", "exchange": "IBKRATS", "primaryExchange": "ARCA", "currency": "USD",
    "localSymbol": "28812380", "tradingClass": "COMB", "comboLegs": READ_LEGS, "deltaNeutralContract": READ_NEUTRAL,
}  # fmt: skip


def instruction(library: str, alternating: bool, **changed: Any) -> dict[str, Any]:
    """The order by IB's names, every field said."""
    values = {theirs: value.value if isinstance(value, Since) else value for _, theirs, value, _ in NUMBERS_AND_TEXTS}
    values |= {theirs: not alternating or place % 2 == 0 for place, (_, theirs) in enumerate(FLAGS)}
    values |= {theirs: value for _, theirs, value in REQUEST_ONLY}
    values |= READ_COMPOSED | READ_TIER | {"conditions": READ_CONDITIONS} | changed
    if library == "ibapi":
        from layouts.cases.orders import official_conditions

        values = {name: value for name, value in values.items() if name not in NOT_IN_OFFICIAL}
        values["conditions"] = official_conditions()
    return values


def understood(library: str, version: int, alternating: bool, **changed: Any) -> Order:
    """The same order as the simulator must hold it: without what the version does not carry, or the library not say."""
    order = replace(
        full_order(alternating), **{ours: value for ours, _, value in REQUEST_ONLY},
        soft_dollar_tier=SoftDollarTier("Tier", "Value"), **changed,
    )  # fmt: skip
    order = replace(order, combo_legs=tuple(ComboLeg(*leg) for leg in order.combo_legs))
    absent = [name for name, since in ADDED.items() if version < since]
    absent += [] if version >= 170 else list(PEGGED)
    absent += [] if version < 177 and library != "stoqey" else ["fa_profile"]
    absent += ["volatility"] if library == "ib_async" else []  # it says so of volatility orders only
    pristine = Order()
    return replace(order, **{name: getattr(pristine, name) for name in absent})
