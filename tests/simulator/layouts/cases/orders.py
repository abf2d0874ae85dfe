"""Orders, executions, commissions. The plain order and the plain completed order are as recorded from real TWS."""

from datetime import datetime
from typing import Any

from layouts.case import Case, Since
from layouts.cases import order_fields as full
from layouts.cases.listings import FUTURE, OPTION, READ_FUTURE, READ_OPTION, READ_STOCK, STOCK

from v6.clock import NEW_YORK
from v6.simulator.orders.execution import CommissionReport, Execution
from v6.simulator.orders.order import Order, OrderState

MAX = "1.7976931348623157E308"
UNSET = 1.7976931348623157e308
INT = 2147483647

PLAIN = Order("BUY", 3, "LMT", 87.16, tif="GTC", account="DU9000001", order_ref="29")
PLAIN_OPEN = (
    "5|29|637533641|ES|FUT|20261218|0|?|50|CME|CAD|ESZ6|ESC|BUY|3|LMT|87.16|0.0|GTC||DU9000001||0|29|1|2138440195|"
    "0|0|0||2138440195.0/DU9000001/100||||@-177:||||||0||-1|0||||||2147483647|0|0|0||3|0|0||0|0||0|None||"
    "0||||?|0|0||0|0|||||" + "|0|0|0|2147483647|2147483647|||0||IB|0|0||0|0|Submitted|" + f"{MAX}|" * 9 + "||||"
    f"|0|0|0|None|{MAX}|{MAX}|{MAX}|{MAX}|{MAX}|{MAX}|0||||0|1|0|0|0|@158-:|@160-:|@162-:0|"
    "@170-:|@170-:|@170-:|@170-:|@170-:|"
)
READ_PLAIN = {
    "action": "BUY", "totalQuantity": 3, "orderType": "LMT", "lmtPrice": 87.16, "auxPrice": 0, "tif": "GTC",
    "account": "DU9000001", "openClose": "", "orderRef": "29", "permId": 2138440195, "exemptCode": -1,
    "displaySize": INT, "minQty": INT, "ocaType": 3, "deltaNeutralOrderType": "None", "clearingIntent": "IB",
    "scaleInitLevelSize": INT, "scaleSubsLevelSize": INT, "scalePriceIncrement": UNSET, "trailStopPrice": UNSET,
    "cashQty": 0, "dontUseAutoPriceForHedge": True,
}  # fmt: skip

FULL_OPEN = (
    "5|57|712345678|SPY|OPT|20270115|615.5|C|100|SMART|USD|SPY   270115C00615500|2SPY|{action}|{total_quantity}|"
    "{order_type}|{limit_price}|{aux_price}|{tif}|{oca_group}|{account}|{open_close}|{origin}|{order_ref}|6|1377295419|"
    "{outside_rth}|{hidden}|{discretionary_amount}|{good_after_time}|1377295419.0/DU9000002/100|{fa_group}|{fa_method}|"
    "{fa_percentage}|@-177:{fa_profile}|{model_code}|{good_till_date}|{rule_80a}|{percent_offset}|{settling_firm}|"
    "{short_sale_slot}|{designated_location}|{exempt_code}|{auction_strategy}|{starting_price}|{stock_ref_price}|"
    "{delta}|{stock_range_lower}|{stock_range_upper}|{display_size}|{block_order}|{sweep_to_fill}|{all_or_none}|"
    "{min_quantity}|{oca_type}|{etrade_only}|{firm_quote_only}|{nbbo_price_cap}|{parent_id}|{trigger_method}|"
    "{volatility}|{volatility_type}|{delta_neutral_order_type}|{delta_neutral_aux_price}|{delta_neutral_con_id}|"
    "{delta_neutral_settling_firm}|{delta_neutral_clearing_account}|{delta_neutral_clearing_intent}|"
    "{delta_neutral_open_close}|{delta_neutral_short_sale}|{delta_neutral_short_sale_slot}|"
    "{delta_neutral_designated_location}|{continuous_update}|{reference_price_type}|{trail_stop_price}|"
    "{trailing_percent}|||{leg_fields}|{scale_init_level_size}|{scale_subs_level_size}|{scale_price_increment}|"
    "{scale_price_adjust_value}|{scale_price_adjust_interval}|{scale_profit_offset}|{scale_auto_reset}|"
    "{scale_init_position}|{scale_init_fill_qty}|{scale_random_percent}|{hedge_type}|{hedge_param}|"
    "{opt_out_smart_routing}|{clearing_account}|{clearing_intent}|{not_held}|{neutral}|{algo_strategy}|{algo_params}|"
    "{solicited}|{what_if}|PreSubmitted|1001.11|1002.22|1003.33|1004.44|1005.55|1006.66|1007.77|1008.88|1009.99|"
    "1.05|0.95|2.05|USD|Your order size exceeds the usual.|{randomize_size}|{randomize_price}|"
    "{reference_contract_id}|{pegged_change_decrease}|{pegged_change_amount}|{reference_change_amount}|"
    "{reference_exchange}|{conditions}|{conditions_ignore_rth}|{conditions_cancel_order}|{adjusted_order_type}|"
    "{trigger_price}|{trail_stop_price}|{limit_offset}|{adjusted_stop_price}|{adjusted_stop_limit_price}|"
    "{adjusted_trailing_amount}|{adjustable_trailing_unit}|{tier}|{cash_quantity}|1|{is_oms_container}|"
    "{discretionary_up_to_limit_price}|{use_price_mgmt_algo}|@158-:{duration}|@160-:{post_to_ats}|"
    "@162-:{auto_cancel_parent}|@170-:{min_trade_quantity}|@170-:{min_compete_size}|"
    "@170-:{compete_against_best_offset}|@170-:{mid_offset_at_whole}|@170-:{mid_offset_at_half}|"
)
FULL_COMPLETED = (
    "101|712345678|SPY|OPT|20270115|615.5|C|100|SMART|USD|SPY   270115C00615500|2SPY|{action}|50|{order_type}|"
    "{limit_price}|{aux_price}|{tif}|{oca_group}|{account}|{open_close}|{origin}|{order_ref}|1377295419|{outside_rth}|"
    "{hidden}|{discretionary_amount}|{good_after_time}|{fa_group}|{fa_method}|{fa_percentage}|@-177:{fa_profile}|"
    "{model_code}|{good_till_date}|{rule_80a}|{percent_offset}|{settling_firm}|{short_sale_slot}|"
    "{designated_location}|{exempt_code}|{starting_price}|{stock_ref_price}|{delta}|{stock_range_lower}|"
    "{stock_range_upper}|{display_size}|{sweep_to_fill}|{all_or_none}|{min_quantity}|{oca_type}|{trigger_method}|"
    "{volatility}|{volatility_type}|{delta_neutral_order_type}|{delta_neutral_aux_price}|{delta_neutral_con_id}|"
    "{delta_neutral_short_sale}|{delta_neutral_short_sale_slot}|{delta_neutral_designated_location}|"
    "{continuous_update}|{reference_price_type}|{trail_stop_price}|{trailing_percent}|{leg_fields}|"
    "{scale_init_level_size}|{scale_subs_level_size}|{scale_price_increment}|{scale_price_adjust_value}|"
    "{scale_price_adjust_interval}|{scale_profit_offset}|{scale_auto_reset}|{scale_init_position}|"
    "{scale_init_fill_qty}|{scale_random_percent}|{hedge_type}|{hedge_param}|{clearing_account}|{clearing_intent}|"
    "{not_held}|{neutral}|{algo_strategy}|{algo_params}|{solicited}|PreSubmitted|{randomize_size}|{randomize_price}|"
    "{reference_contract_id}|{pegged_change_decrease}|{pegged_change_amount}|{reference_change_amount}|"
    "{reference_exchange}|{conditions}|{conditions_ignore_rth}|{conditions_cancel_order}|{trail_stop_price}|"
    "{limit_offset}|{cash_quantity}|1|{is_oms_container}||20|2147483647|{auto_cancel_parent}|"
    "Not an insider or substantial shareholder|0|0|1377295418|20261124 10:36:11 US/Eastern|Cancelled by Trader|"
    "@170-:{min_trade_quantity}|@170-:{min_compete_size}|@170-:{compete_against_best_offset}|"
    "@170-:{mid_offset_at_whole}|@170-:{mid_offset_at_half}|"
)
NOT_IN_COMPLETED = (
    "auctionStrategy", "blockOrder", "eTradeOnly", "firmQuoteOnly", "nbboPriceCap", "parentId", "totalQuantity",
    "deltaNeutralSettlingFirm", "deltaNeutralClearingAccount", "deltaNeutralClearingIntent", "deltaNeutralOpenClose",
    "optOutSmartRouting", "whatIf", "adjustedOrderType", "triggerPrice", "adjustedStopPrice",
    "adjustedStopLimitPrice", "adjustedTrailingAmount", "adjustableTrailingUnit", "discretionaryUpToLimitPrice",
    "usePriceMgmtAlgo", "duration", "postToAts",
)  # fmt: skip
LEGS = {
    "exchange": "SMART", "comboLegsDescrip": "43645865|1,9408|-3", "comboLegs": full.READ_LEGS,
    "deltaNeutralContract": full.READ_NEUTRAL,
}  # fmt: skip


def official_conditions() -> list[dict[str, Any]]:
    """ibapi names the connection by a flag and the exchange in full; its Time, Margin have the same names."""
    conditions = []
    for condition in full.READ_CONDITIONS:
        named = {
            "isConjunctionConnection" if name == "conjunction" else name: value for name, value in condition.items()
        }
        named["isConjunctionConnection"] = condition["conjunction"] == "a"
        if "exch" in named:
            named["exchange"] = named.pop("exch")
        conditions.append(named)
    return conditions


def full_cases(alternating: bool) -> list[Case]:
    order = full.full_order(alternating)
    contract = full_contract()

    def opened(conditions: list[dict[str, Any]]) -> tuple[tuple[Any, ...], ...]:
        read = full.read(alternating=alternating) | full.READ_TIER | {
            "orderId": 57, "clientId": 6, "permId": 1377295419, "conditions": conditions,
            "dontUseAutoPriceForHedge": True, "autoCancelParent": Since(162, not alternating),
            "basisPoints": UNSET, "basisPointsType": INT,
        }  # fmt: skip
        return (("openOrder", 57, contract, read, full.READ_STATE),)

    def completed(conditions: list[dict[str, Any]]) -> tuple[tuple[Any, ...], ...]:
        read = full.read(*NOT_IN_COMPLETED, alternating=alternating) | {
            "permId": 1377295419, "conditions": conditions, "totalQuantity": 50, "filledQuantity": 20,
            "dontUseAutoPriceForHedge": True, "autoCancelParent": not alternating, "autoCancelDate": "",
            "refFuturesConId": INT, "shareholder": "Not an insider or substantial shareholder",
            "imbalanceOnly": False, "routeMarketableToBbo": False, "parentPermId": 1377295418,
        }  # fmt: skip
        state = {
            "status": "PreSubmitted", "completedTime": "20261124 10:36:11 US/Eastern",
            "completedStatus": "Cancelled by Trader",
        }  # fmt: skip
        return (("completedOrder", contract, read, state),)

    note = "with every second flag" if alternating else "with every flag"
    return [
        Case(
            "orders.open_order", (57, 6, 1377295419, OPTION, order, full.STATE), full.wire(FULL_OPEN, alternating),
            opened(full.READ_CONDITIONS), {"ibapi": opened(official_conditions())}, note=note,
        ),
        Case(
            "orders.completed_order", (1377295419, OPTION, order, 20, full.STATE),
            full.wire(FULL_COMPLETED, alternating), completed(full.READ_CONDITIONS),
            {"ibapi": completed(official_conditions())}, note=note,
        ),
    ]  # fmt: skip


def full_contract() -> dict[str, Any]:
    return READ_OPTION | LEGS


DONE = Execution(
    "0000e0d5.6535f6f1.01.02", datetime(2026, 11, 24, 10, 35, 7, tzinfo=NEW_YORK).timestamp(), "DU9000003", "IEX",
    "SLD", 20.0, 61.75, 1377295420, 8, 57, 1, 60.0, 61.5, "my reference", "aggregate", 4.0, "Target2030", 2, True,
)  # fmt: skip
READ_DONE = {
    "orderId": 57, "execId": "0000e0d5.6535f6f1.01.02", "time": "2026-11-24T15:35:07+00:00",
    "acctNumber": "DU9000003", "exchange": "IEX", "side": "SLD", "shares": 20, "price": 61.75, "permId": 1377295420,
    "clientId": 8, "liquidation": 1, "cumQty": 60, "avgPrice": 61.5, "orderRef": "my reference",
    "evRule": "aggregate", "evMultiplier": 4, "modelCode": "Target2030", "lastLiquidity": 2,
    "pendingPriceRevision": Since(178, True),
}  # fmt: skip
DONE_WIRE = (
    "11|-1|57|712345678|SPY|OPT|20270115|615.5|C|100|IEX|USD|SPY   270115C00615500|2SPY|0000e0d5.6535f6f1.01.02|"
    "@-174:20261124  10:35:07|@174-:20261124 10:35:07 US/Eastern|DU9000003|IEX|SLD|20|61.75|1377295420|8|1|60|61.5|"
    "my reference|aggregate|4.0|Target2030|2|@178-:1|"
)
PLAIN_DONE_WIRE = (
    "11|9001|7|756733|SPY|STK||0.0|||ARCA|USD|SPY PRA|SPYX|0000e0d5.6535f6f1.01.01|@-174:20261124  10:35:07|"
    "@174-:20261124 10:35:07 US/Eastern|DU9000001|ARCA|BOT|1|257|1377295421|94|0|1|257|||||0|@178-:0|"
)

CASES = [
    Case(
        "orders.open_order", (29, 1, 2138440195, FUTURE, PLAIN, OrderState("Submitted")), PLAIN_OPEN,
        (
            (
                "openOrder", 29, READ_FUTURE | {"right": "?", "exchange": "CME"},
                READ_PLAIN | {"orderId": 29, "clientId": 1, "deltaNeutralOpenClose": "?", "adjustedOrderType": "None"},
                {"status": "Submitted", "initMarginBefore": MAX, "equityWithLoanAfter": MAX, "commission": UNSET},
            ),
        ),
        note="as recorded",
    ),
    Case(
        "orders.completed_order",
        (2138440195, FUTURE, PLAIN, 3, OrderState("Filled", completed_status="Filled Size: 3")),
        "101|637533641|ES|FUT|20261218|0|?|50|CME|CAD|ESZ6|ESC|BUY|0|LMT|87.16|0.0|GTC||DU9000001||0|29|2138440195|"
        "0|0|0|||||@-177:||||||0||-1||||||2147483647|0|0||3|0||0|None||0|0|0||0|0||||0|0|0|2147483647|2147483647|||"
        f"|IB|0|0||0|Filled|0|0|0|{MAX}|{MAX}|0|1|0||3|2147483647|0|Not an insider or substantial shareholder|0|0|"
        "9223372036854775807||Filled Size: 3|@170-:|@170-:|@170-:|@170-:|@170-:|",
        (
            (
                "completedOrder", READ_FUTURE | {"right": "?", "exchange": "CME"},
                READ_PLAIN | {"totalQuantity": 0, "filledQuantity": 3},
                {"status": "Filled", "completedTime": "", "completedStatus": "Filled Size: 3"},
            ),
        ),
        note="as recorded",
    ),
    *full_cases(alternating=False),
    *full_cases(alternating=True),
    Case(
        "orders.order_status",
        (29, "Submitted", 40.0, 60.0, 61.75, 2138440195, 28, 61.5, 4, "locate", 62.25),
        "3|29|Submitted|40|60|61.75|2138440195|28|61.5|4|locate|62.25|",
        (("orderStatus", 29, "Submitted", 40, 60, 61.75, 2138440195, 28, 61.5, 4, "locate", 62.25),),
    ),
    Case(
        "orders.order_status", (29, "PreSubmitted", 0.0, 100.0, 0.0, 2138440195, 0, 0.0, 1),
        "3|29|PreSubmitted|0|100|0|2138440195|0|0|1||0|",
        (("orderStatus", 29, "PreSubmitted", 0, 100, 0, 2138440195, 0, 0, 1, "", 0),), note="as recorded",
    ),
    Case(
        "orders.execution", (-1, 57, OPTION, DONE), DONE_WIRE,
        (("execDetails", -1, READ_OPTION | {"exchange": "IEX"}, READ_DONE),),
        {
            "ibapi": (
                (
                    "execDetails", -1, READ_OPTION | {"exchange": "IEX"},
                    READ_DONE | {"time": "20261124  10:35:07"},
                ),
            )
        },
    ),
    Case(
        "orders.execution",
        (
            9001, 7, STOCK,
            Execution("0000e0d5.6535f6f1.01.01", DONE.time, "DU9000001", "ARCA", "BOT", 1.0, 257.0, 1377295421, 94, 7,
                      cumulative=1.0, average_price=257.0),
        ),
        PLAIN_DONE_WIRE,
        (("execDetails", 9001, READ_STOCK | {"right": "", "exchange": "ARCA"}, {"orderId": 7, "orderRef": "",
          "evMultiplier": 0, "lastLiquidity": 0, "pendingPriceRevision": Since(178, False)}),),
        note="as recorded",
    ),
    Case(
        "orders.commission_report",
        (CommissionReport("0000e0d5.6535f6f1.01.02", 1.0003, "USD", -68.05, 0.04, 20301115),),
        "59|1|0000e0d5.6535f6f1.01.02|1.0003|USD|-68.05|0.04|20301115|",
        (("commissionReport", {"execId": "0000e0d5.6535f6f1.01.02", "commission": 1.0003, "currency": "USD",
          "realizedPNL": -68.05, "yield_": 0.04, "yieldRedemptionDate": 20301115}),),
    ),
    Case(
        "orders.commission_report", (CommissionReport("0000e0d5.6535f6f1.01.01", 1.0, "USD"),),
        f"59|1|0000e0d5.6535f6f1.01.01|1.0|USD|{MAX}|{MAX}||",
        (("commissionReport", {"execId": "0000e0d5.6535f6f1.01.01", "commission": 1.0, "currency": "USD",
          "realizedPNL": UNSET, "yield_": UNSET, "yieldRedemptionDate": 0}),),
        note="as recorded",
    ),
    Case("orders.order_bound", (1377295419, 0, -5), "100|1377295419|0|-5|", (("orderBound", 1377295419, 0, -5),)),
    Case("orders.open_orders_end", (), "53|1|", (("openOrderEnd",),)),
    Case("orders.executions_end", (9002,), "55|1|9002|", (("execDetailsEnd", 9002),)),
    Case("orders.completed_orders_end", (), "102|", (("completedOrdersEnd",),)),
]  # fmt: skip
