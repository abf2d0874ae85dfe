"""placeOrder (message 3) as the clients write it at 157..178: tables of fields, gates where versions differ.

Sources: `placeOrder` of ib_insync 0.9.86, ib_async 2.1, ibapi 9.81.1 and @stoqey/ib 1.6.10. Fields after the last one
known are left unread, as TWS leaves them.
"""

from collections.abc import Callable
from typing import Any

from v6.simulator.instruments.listings import Spec
from v6.simulator.orders.order import ComboLeg, Condition, DeltaNeutral, Order, SoftDollarTier
from v6.simulator.orders.parsers import (
    best_offset,
    conjunction,
    count,
    exempt_code,
    flag,
    integer,
    number,
    optional_flag,
    optional_integer,
    optional_number,
)
from v6.simulator.wire import Fields, WireError

Values = dict[str, Any]
Rows = tuple[tuple[str, Callable[[str], Any]], ...]
text = str

TERMS: Rows = (
    ("action", text), ("total_quantity", number), ("order_type", text), ("limit_price", optional_number),
    ("aux_price", optional_number), ("tif", text), ("oca_group", text), ("account", text), ("open_close", text),
    ("origin", integer), ("order_ref", text), ("transmit", flag), ("parent_id", integer), ("block_order", flag),
    ("sweep_to_fill", flag), ("display_size", integer), ("trigger_method", integer), ("outside_rth", flag),
    ("hidden", flag),
)  # fmt: skip
LEG: Rows = (
    ("con_id", integer), ("ratio", integer), ("action", text), ("exchange", text), ("open_close", integer),
    ("short_sale_slot", integer), ("designated_location", text), ("exempt_code", exempt_code),
)  # fmt: skip
TIMES_AND_ADVISOR: Rows = (
    ("", text),  # sharesAllocation, deprecated and always empty
    ("discretionary_amount", number), ("good_after_time", text), ("good_till_date", text), ("fa_group", text),
    ("fa_method", text), ("fa_percentage", text),
)  # fmt: skip
ADVISOR_PROFILE: Rows = (("fa_profile", text),)
LIMITATIONS: Rows = (
    ("model_code", text), ("short_sale_slot", integer), ("designated_location", text), ("exempt_code", exempt_code),
    ("oca_type", integer), ("rule_80a", text), ("settling_firm", text), ("all_or_none", flag),
    ("min_quantity", optional_integer), ("percent_offset", optional_number), ("etrade_only", flag),
    ("firm_quote_only", flag), ("nbbo_price_cap", optional_number), ("auction_strategy", integer),
    ("starting_price", optional_number), ("stock_ref_price", optional_number), ("delta", optional_number),
    ("stock_range_lower", optional_number), ("stock_range_upper", optional_number),
    ("override_percentage_constraints", flag), ("volatility", optional_number), ("volatility_type", optional_integer),
    ("delta_neutral_order_type", text), ("delta_neutral_aux_price", optional_number),
)  # fmt: skip
DELTA_NEUTRAL_ORDER: Rows = (
    ("delta_neutral_con_id", integer), ("delta_neutral_settling_firm", text),
    ("delta_neutral_clearing_account", text), ("delta_neutral_clearing_intent", text),
    ("delta_neutral_open_close", text), ("delta_neutral_short_sale", flag), ("delta_neutral_short_sale_slot", integer),
    ("delta_neutral_designated_location", text),
)  # fmt: skip
TRAIL_AND_SCALE: Rows = (
    ("continuous_update", flag), ("reference_price_type", optional_integer), ("trail_stop_price", optional_number),
    ("trailing_percent", optional_number), ("scale_init_level_size", optional_integer),
    ("scale_subs_level_size", optional_integer), ("scale_price_increment", optional_number),
)  # fmt: skip
SCALE_PRICES: Rows = (
    ("scale_price_adjust_value", optional_number), ("scale_price_adjust_interval", optional_integer),
    ("scale_profit_offset", optional_number), ("scale_auto_reset", flag), ("scale_init_position", optional_integer),
    ("scale_init_fill_qty", optional_integer), ("scale_random_percent", flag),
)  # fmt: skip
SCALE_TABLE_AND_HEDGE: Rows = (
    ("scale_table", text), ("active_start_time", text), ("active_stop_time", text), ("hedge_type", text),
)  # fmt: skip
HEDGE: Rows = (("hedge_param", text),)
CLEARING: Rows = (
    ("opt_out_smart_routing", flag), ("clearing_account", text), ("clearing_intent", text), ("not_held", flag),
)  # fmt: skip
DELTA_NEUTRAL_CONTRACT: Rows = (("con_id", integer), ("delta", number), ("price", number))
ALGORITHM: Rows = (("algo_strategy", text),)
AFTER_ALGORITHM: Rows = (
    ("algo_id", text), ("what_if", flag), ("misc_options", text), ("solicited", flag), ("randomize_size", flag),
    ("randomize_price", flag),
)  # fmt: skip
PEGGED_TO_BENCHMARK: Rows = (
    ("reference_contract_id", integer), ("pegged_change_decrease", flag), ("pegged_change_amount", number),
    ("reference_change_amount", number), ("reference_exchange", text),
)  # fmt: skip
CONDITION_FLAGS: Rows = (("conditions_ignore_rth", flag), ("conditions_cancel_order", flag))
ADJUSTED: Rows = (
    ("adjusted_order_type", text), ("trigger_price", optional_number), ("limit_offset", optional_number),
    ("adjusted_stop_price", optional_number), ("adjusted_stop_limit_price", optional_number),
    ("adjusted_trailing_amount", optional_number), ("adjustable_trailing_unit", integer), ("ext_operator", text),
)  # fmt: skip
TIER: Rows = (("name", text), ("value", text))
TAIL: Rows = (
    ("cash_quantity", optional_number), ("mifid2_decision_maker", text), ("mifid2_decision_algo", text),
    ("mifid2_execution_trader", text), ("mifid2_execution_algo", text), ("dont_use_auto_price_for_hedge", flag),
    ("is_oms_container", flag), ("discretionary_up_to_limit_price", flag), ("use_price_mgmt_algo", optional_flag),
)  # fmt: skip
ADDED: tuple[tuple[int, Rows], ...] = (
    (158, (("duration", optional_integer),)),
    (160, (("post_to_ats", optional_integer),)),
    (162, (("auto_cancel_parent", flag),)),
    (166, (("advanced_error_override", text),)),
    (169, (("manual_order_time", text),)),
)
MID_OFFSETS: Rows = (("mid_offset_at_whole", optional_number), ("mid_offset_at_half", optional_number))
BEST: Rows = (("min_compete_size", optional_integer), ("compete_against_best_offset", best_offset))

MORE = flag
CONDITIONS: dict[int, tuple[Callable[[str], Any], ...]] = {
    1: (conjunction, MORE, number, integer, text, integer),  # price: contract, exchange, trigger method
    3: (conjunction, MORE, text),  # time
    4: (conjunction, MORE, integer),  # margin cushion percent
    5: (conjunction, text, text, text),  # execution: security type, exchange, symbol
    6: (conjunction, MORE, integer, integer, text),  # volume
    7: (conjunction, MORE, number, integer, text),  # percent change
}


def read_order(fields: Fields, version: int) -> tuple[int, Spec, Order]:
    """Order id, contract and instruction from the field after the message id. Raises WireError."""
    order_id, spec = integer(fields.text()), Spec.read(fields)
    fields.skip(2)  # secIdType, secId
    values: Values = _read(fields, TERMS)
    if spec.sec_type.upper() == "BAG":
        values |= _combination(fields)
    values |= _read(fields, TIMES_AND_ADVISOR) | (_read(fields, ADVISOR_PROFILE) if version < 177 else {})
    values |= _read(fields, LIMITATIONS)
    if values["delta_neutral_order_type"]:
        values |= _read(fields, DELTA_NEUTRAL_ORDER)
    values |= _scale_and_hedge(fields) | _read(fields, CLEARING)
    if flag(fields.text()):
        values["delta_neutral_contract"] = DeltaNeutral(**_read(fields, DELTA_NEUTRAL_CONTRACT))
    values |= _algorithm(fields) | _read(fields, AFTER_ALGORITHM)
    kind = values["order_type"].replace("PEG ", "PEG")
    if kind == "PEGBENCH":
        values |= _read(fields, PEGGED_TO_BENCHMARK)
    values |= _conditions(fields) | _read(fields, ADJUSTED)
    values["soft_dollar_tier"] = SoftDollarTier(**_read(fields, TIER))
    values |= _read(fields, TAIL)
    for since, rows in ADDED:
        if version >= since:
            values |= _read(fields, rows)
    if version >= 170:
        values |= _competing(fields, kind, spec.exchange)
    return order_id, spec, Order(**values)


def _read(fields: Fields, rows: Rows) -> Values:
    values = {name: parse(fields.text()) for name, parse in rows}
    values.pop("", None)
    return values


def _pairs(fields: Fields) -> tuple[tuple[str, str], ...]:
    return tuple((fields.text(), fields.text()) for _ in range(count(fields.text())))


def _combination(fields: Fields) -> Values:
    return {
        "combo_legs": tuple(ComboLeg(**_read(fields, LEG)) for _ in range(count(fields.text()))),
        "leg_prices": tuple(optional_number(fields.text()) for _ in range(count(fields.text()))),
        "smart_combo_routing_params": _pairs(fields),
    }


def _scale_and_hedge(fields: Fields) -> Values:
    values = _read(fields, TRAIL_AND_SCALE)
    if (values["scale_price_increment"] or 0) > 0:
        values |= _read(fields, SCALE_PRICES)
    values |= _read(fields, SCALE_TABLE_AND_HEDGE)
    return values | (_read(fields, HEDGE) if values["hedge_type"] else {})


def _algorithm(fields: Fields) -> Values:
    values = _read(fields, ALGORITHM)
    return values | ({"algo_params": _pairs(fields)} if values["algo_strategy"] else {})


def _conditions(fields: Fields) -> Values:
    conditions = tuple(_condition(fields) for _ in range(count(fields.text())))
    return {"conditions": conditions} | (_read(fields, CONDITION_FLAGS) if conditions else {})


def _condition(fields: Fields) -> Condition:
    kind = integer(fields.text())
    if kind not in CONDITIONS:
        raise WireError(f"condition of type {kind}")
    values = []
    for parse in CONDITIONS[kind]:
        value = fields.text()
        parse(value)
        values.append(value)
    return Condition(kind, tuple(values))


def _competing(fields: Fields, kind: str, exchange: str) -> Values:
    """The fields of pegged orders, each only where it has a meaning."""
    values: Values = {"min_trade_quantity": optional_integer(fields.text())} if exchange == "IBKRATS" else {}
    if kind == "PEGBEST":
        values |= _read(fields, BEST)
    if kind == "PEGMID" or values.get("compete_against_best_offset") == float("inf"):
        values |= _read(fields, MID_OFFSETS)
    return values
