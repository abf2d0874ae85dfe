"""One order that says something in every field: our name, IB's name, the value, how it travels."""

from typing import Any

from layouts.case import Before, Since

from v6.simulator.orders.order import ComboLeg, Condition, DeltaNeutral, Order, OrderState, SoftDollarTier

Row = tuple[str, str, Any, str]
NUMBERS_AND_TEXTS: tuple[Row, ...] = (
    ("action", "action", "SELL", "SELL"),
    ("total_quantity", "totalQuantity", 70.0, "70"),
    ("order_type", "orderType", "PEG BENCH", "PEG BENCH"),
    ("limit_price", "lmtPrice", 101.25, "101.25"),
    ("aux_price", "auxPrice", 99.0, "99.0"),
    ("tif", "tif", "GTD", "GTD"),
    ("oca_group", "ocaGroup", "GROUP7", "GROUP7"),
    ("account", "account", "DU9000002", "DU9000002"),
    ("open_close", "openClose", "C", "C"),
    ("origin", "origin", 1, "1"),
    ("order_ref", "orderRef", "my reference", "my reference"),
    ("discretionary_amount", "discretionaryAmt", 0.03, "0.03"),
    ("good_after_time", "goodAfterTime", "20261124 11:00:00 US/Eastern", "20261124 11:00:00 US/Eastern"),
    ("good_till_date", "goodTillDate", "20261125 12:00:00 US/Eastern", "20261125 12:00:00 US/Eastern"),
    ("fa_group", "faGroup", "Advised", "Advised"),
    ("fa_method", "faMethod", "PctChange", "PctChange"),
    ("fa_percentage", "faPercentage", "12", "12"),
    ("model_code", "modelCode", "Target2030", "Target2030"),
    ("rule_80a", "rule80A", "I", "I"),
    ("percent_offset", "percentOffset", 0.02, "0.02"),
    ("settling_firm", "settlingFirm", "FIRM", "FIRM"),
    ("short_sale_slot", "shortSaleSlot", 2, "2"),
    ("designated_location", "designatedLocation", "LOCATION", "LOCATION"),
    ("exempt_code", "exemptCode", 3, "3"),
    ("auction_strategy", "auctionStrategy", 4, "4"),
    ("starting_price", "startingPrice", 31.5, "31.5"),
    ("stock_ref_price", "stockRefPrice", 32.5, "32.5"),
    ("delta", "delta", 0.45, "0.45"),
    ("stock_range_lower", "stockRangeLower", 33.5, "33.5"),
    ("stock_range_upper", "stockRangeUpper", 34.5, "34.5"),
    ("display_size", "displaySize", 15, "15"),
    ("min_quantity", "minQty", 5, "5"),
    ("oca_type", "ocaType", 2, "2"),
    ("nbbo_price_cap", "nbboPriceCap", 35.5, "35.5"),
    ("parent_id", "parentId", 41, "41"),
    ("trigger_method", "triggerMethod", 8, "8"),
    ("volatility", "volatility", 0.21, "0.21"),
    ("volatility_type", "volatilityType", 2, "2"),
    ("delta_neutral_order_type", "deltaNeutralOrderType", "MKT", "MKT"),
    ("delta_neutral_aux_price", "deltaNeutralAuxPrice", 36.5, "36.5"),
    ("delta_neutral_con_id", "deltaNeutralConId", 265598, "265598"),
    ("delta_neutral_settling_firm", "deltaNeutralSettlingFirm", "DNFIRM", "DNFIRM"),
    ("delta_neutral_clearing_account", "deltaNeutralClearingAccount", "DNACCOUNT", "DNACCOUNT"),
    ("delta_neutral_clearing_intent", "deltaNeutralClearingIntent", "Away", "Away"),
    ("delta_neutral_open_close", "deltaNeutralOpenClose", "O", "O"),
    ("delta_neutral_short_sale_slot", "deltaNeutralShortSaleSlot", 7, "7"),
    ("delta_neutral_designated_location", "deltaNeutralDesignatedLocation", "DNLOCATION", "DNLOCATION"),
    ("reference_price_type", "referencePriceType", 2, "2"),
    ("trail_stop_price", "trailStopPrice", 37.5, "37.5"),
    ("trailing_percent", "trailingPercent", 1.5, "1.5"),
    ("scale_init_level_size", "scaleInitLevelSize", 11, "11"),
    ("scale_subs_level_size", "scaleSubsLevelSize", 12, "12"),
    ("scale_price_increment", "scalePriceIncrement", 0.06, "0.06"),
    ("scale_price_adjust_value", "scalePriceAdjustValue", 0.07, "0.07"),
    ("scale_price_adjust_interval", "scalePriceAdjustInterval", 13, "13"),
    ("scale_profit_offset", "scaleProfitOffset", 0.08, "0.08"),
    ("scale_init_position", "scaleInitPosition", 14, "14"),
    ("scale_init_fill_qty", "scaleInitFillQty", 16, "16"),
    ("hedge_type", "hedgeType", "B", "B"),
    ("hedge_param", "hedgeParam", "1.25", "1.25"),
    ("clearing_account", "clearingAccount", "CLEARING", "CLEARING"),
    ("clearing_intent", "clearingIntent", "PTA", "PTA"),
    ("algo_strategy", "algoStrategy", "Adaptive", "Adaptive"),
    ("reference_contract_id", "referenceContractId", 272093, "272093"),
    ("pegged_change_amount", "peggedChangeAmount", 0.09, "0.09"),
    ("reference_change_amount", "referenceChangeAmount", 0.11, "0.11"),
    ("reference_exchange", "referenceExchangeId", "ISLAND", "ISLAND"),
    ("adjusted_order_type", "adjustedOrderType", "STP LMT", "STP LMT"),
    ("trigger_price", "triggerPrice", 51.5, "51.5"),
    ("limit_offset", "lmtPriceOffset", 0.12, "0.12"),
    ("adjusted_stop_price", "adjustedStopPrice", 52.5, "52.5"),
    ("adjusted_stop_limit_price", "adjustedStopLimitPrice", 53.5, "53.5"),
    ("adjusted_trailing_amount", "adjustedTrailingAmount", 0.13, "0.13"),
    ("adjustable_trailing_unit", "adjustableTrailingUnit", 100, "100"),
    ("cash_quantity", "cashQty", 2500.5, "2500.5"),
    ("duration", "duration", Since(159, 30), "30"),
    ("post_to_ats", "postToAts", Since(160, 17), "17"),
    ("min_trade_quantity", "minTradeQty", Since(170, 18), "18"),
    ("min_compete_size", "minCompeteSize", Since(170, 19), "19"),
    ("compete_against_best_offset", "competeAgainstBestOffset", Since(170, 0.14), "0.14"),
    ("mid_offset_at_whole", "midOffsetAtWhole", Since(170, 0.15), "0.15"),
    ("mid_offset_at_half", "midOffsetAtHalf", Since(170, 0.16), "0.16"),
    ("fa_profile", "faProfile", Before(177, "Profile"), "Profile"),
)  # fmt: skip

FLAGS = (
    ("outside_rth", "outsideRth"), ("hidden", "hidden"), ("block_order", "blockOrder"),
    ("sweep_to_fill", "sweepToFill"),
    ("all_or_none", "allOrNone"), ("etrade_only", "eTradeOnly"), ("firm_quote_only", "firmQuoteOnly"),
    ("delta_neutral_short_sale", "deltaNeutralShortSale"), ("continuous_update", "continuousUpdate"),
    ("scale_auto_reset", "scaleAutoReset"), ("scale_random_percent", "scaleRandomPercent"),
    ("opt_out_smart_routing", "optOutSmartRouting"), ("not_held", "notHeld"), ("solicited", "solicited"),
    ("what_if", "whatIf"), ("randomize_size", "randomizeSize"), ("randomize_price", "randomizePrice"),
    ("pegged_change_decrease", "isPeggedChangeAmountDecrease"), ("conditions_ignore_rth", "conditionsIgnoreRth"),
    ("conditions_cancel_order", "conditionsCancelOrder"), ("is_oms_container", "isOmsContainer"),
    ("discretionary_up_to_limit_price", "discretionaryUpToLimitPrice"), ("use_price_mgmt_algo", "usePriceMgmtAlgo"),
)  # fmt: skip

LEGS = (ComboLeg(43645865, 1, "BUY", "CBOE", 1, 2, "HERE", 4), ComboLeg(9408, 3, "SELL", "AMEX", 2, 0, "", -1))
CONDITIONS = (
    Condition(1, ("a", "1", "612.5", "756733", "ARCA", "7")),
    Condition(3, ("o", "0", "20261124 13:30:00 US/Eastern")),
    Condition(4, ("a", "1", "31")),
    Condition(5, ("o", "STK", "NYSE", "IBM")),
    Condition(6, ("a", "0", "8001", "265598", "ISLAND")),
    Condition(7, ("o", "1", "2.5", "272093", "BATS")),
)
COMPOSED: dict[str, Any] = {
    "combo_legs": LEGS,
    "leg_prices": (1.75, None),
    "smart_combo_routing_params": (("NonGuaranteed", "1"), ("LeginPrio", "2")),
    "delta_neutral_contract": DeltaNeutral(320227571, 0.55, 401.5),
    "algo_params": (("adaptivePriority", "Urgent"), ("speed", "9")),
    "conditions": CONDITIONS,
    "soft_dollar_tier": SoftDollarTier("Tier", "Value", "Shown"),
}

UNSET = 1.7976931348623157e308
READ_COMPOSED: dict[str, Any] = {
    "orderComboLegs": [{"price": 1.75}, {"price": UNSET}],
    "smartComboRoutingParams": [{"tag": "NonGuaranteed", "value": "1"}, {"tag": "LeginPrio", "value": "2"}],
    "algoParams": [{"tag": "adaptivePriority", "value": "Urgent"}, {"tag": "speed", "value": "9"}],
}
READ_TIER = {"softDollarTier": {"name": "Tier", "val": "Value", "displayName": "Shown"}}
READ_LEGS = [
    {
        "conId": 43645865, "ratio": 1, "action": "BUY", "exchange": "CBOE", "openClose": 1, "shortSaleSlot": 2,
        "designatedLocation": "HERE", "exemptCode": 4,
    },
    {
        "conId": 9408, "ratio": 3, "action": "SELL", "exchange": "AMEX", "openClose": 2, "shortSaleSlot": 0,
        "designatedLocation": "", "exemptCode": -1,
    },
]  # fmt: skip
READ_NEUTRAL = {"conId": 320227571, "delta": 0.55, "price": 401.5}
READ_CONDITIONS = [
    {
        "condType": 1, "conjunction": "a", "isMore": True, "price": 612.5, "conId": 756733, "exch": "ARCA",
        "triggerMethod": 7,
    },
    {"condType": 3, "conjunction": "o", "isMore": False, "time": "20261124 13:30:00 US/Eastern"},
    {"condType": 4, "conjunction": "a", "isMore": True, "percent": 31},
    {"condType": 5, "conjunction": "o", "secType": "STK", "exch": "NYSE", "symbol": "IBM"},
    {"condType": 6, "conjunction": "a", "isMore": False, "volume": 8001, "conId": 265598, "exch": "ISLAND"},
    {"condType": 7, "conjunction": "o", "isMore": True, "changePercent": 2.5, "conId": 272093, "exch": "BATS"},
]  # fmt: skip
WIRE_COMPOSED = {
    "leg_fields": "43645865\\|1,9408\\|-3|2|43645865|1|BUY|CBOE|1|2|HERE|4|9408|3|SELL|AMEX|2|0||-1|"
    "2|1.75||2|NonGuaranteed|1|LeginPrio|2",
    "neutral": "1|320227571|0.55|401.5",
    "algo_params": "2|adaptivePriority|Urgent|speed|9",
    "conditions": "6|1|a|1|612.5|756733|ARCA|7|3|o|0|20261124 13:30:00 US/Eastern|4|a|1|31|5|o|STK|NYSE|IBM|"
    "6|a|0|8001|265598|ISLAND|7|o|1|2.5|272093|BATS",
    "tier": "Tier|Value|Shown",
}

STATE = OrderState(
    "PreSubmitted", "1001.11", "1002.22", "1003.33", "1004.44", "1005.55", "1006.66", "1007.77", "1008.88", "1009.99",
    1.05, 0.95, 2.05, "USD", "Your order size exceeds the usual.", "20261124 10:36:11 US/Eastern",
    "Cancelled by Trader", 1377295418,
)  # fmt: skip
READ_STATE = {
    "status": "PreSubmitted", "initMarginBefore": "1001.11", "maintMarginBefore": "1002.22",
    "equityWithLoanBefore": "1003.33", "initMarginChange": "1004.44", "maintMarginChange": "1005.55",
    "equityWithLoanChange": "1006.66", "initMarginAfter": "1007.77", "maintMarginAfter": "1008.88",
    "equityWithLoanAfter": "1009.99", "commission": 1.05, "minCommission": 0.95, "maxCommission": 2.05,
    "commissionCurrency": "USD", "warningText": "Your order size exceeds the usual.",
}  # fmt: skip


def flags(alternating: bool) -> dict[str, bool]:
    """All set, or every second one: neighbours in a message then differ."""
    return {ours: not alternating or place % 2 == 0 for place, (ours, _) in enumerate(FLAGS)}


def full_order(alternating: bool) -> Order:
    said = {ours: value.value if isinstance(value, Since) else value for ours, _, value, _ in NUMBERS_AND_TEXTS}
    return Order(**said, **flags(alternating), **COMPOSED, auto_cancel_parent=not alternating)


def wire(template: str, alternating: bool) -> str:
    """The template with names in braces replaced by what travels for them."""
    texts = {ours: text for ours, _, _, text in NUMBERS_AND_TEXTS} | WIRE_COMPOSED
    texts |= {ours: "1" if value else "0" for ours, value in flags(alternating).items()}
    return template.format_map({**texts, "auto_cancel_parent": "0" if alternating else "1"})


def read(*absent: str, alternating: bool) -> dict[str, Any]:
    """What of the order a library must read, without the names a message does not carry."""
    values = {theirs: value for _, theirs, value, _ in NUMBERS_AND_TEXTS} | READ_COMPOSED
    values |= {theirs: flags(alternating)[ours] for ours, theirs in FLAGS}
    return {name: value for name, value in values.items() if name not in absent}
