"""The fields of every message in both directions, versions 157 to 178, as the grammar reads them.

Source: the decoders and clients of ib_insync 0.9.86, ib_async 2.1.0 and ibapi 9.81.1. Kinds mark what redaction hides
(account, money, ref, exec, perm, user, secret, text, xml) and what has a form of its own (date, right, flag).
"""

HELD = "con_id symbol sec_type expiry:date strike right:right multiplier"
NAMED = f"{HELD} exchange currency local_symbol trading_class"
LISTED = f"{HELD} exchange primary_exchange currency local_symbol trading_class"
SCALE = "scale_levels scale_subsequent scale_increment ?scale_increment>0(adjust_value adjust_interval profit_offset "
SCALE += "auto_reset:flag first_position first_filled random_percent:flag)"
LEGS = "legs *legs(leg_con_id ratio leg_action leg_exchange leg_open_close leg_short_slot leg_location:ref leg_exempt) "
LEGS += "leg_prices *leg_prices(leg_price) route_count *route_count(route_tag route_value)"
PLAIN_LEGS = "?sec_type=BAG(legs *legs(leg_con_id ratio leg_action leg_exchange))"
NEUTRAL = "neutral:flag ?neutral=1(neutral_con_id neutral_delta neutral_price)"
ALGO = "algo ?algo(algo_count *algo_count(algo_tag algo_value:text))"
PEG = "?order_type=PEG BENCH|PEGBENCH(reference_con_id decrease:flag peg_change reference_change reference_exchange)"
CONDITIONS = (
    "conditions *conditions(condition ?condition=1(conjunction more:flag price con_id exchange method) "
    "?condition=3(conjunction more:flag time:date) ?condition=4(conjunction more:flag percent) "
    "?condition=5(conjunction type exchange symbol) ?condition=6|7(conjunction more:flag volume con_id exchange)) "
    "?conditions>0(ignore_rth:flag cancel_order:flag)"
)
PEG_BEST = "min_trade@170 min_compete@170 compete_offset@170 mid_whole@170 mid_half@170"
ORDER = "action quantity order_type limit aux tif oca_group:ref account:account open_close origin order_ref:ref"
GROUPS = "fa_group:ref fa_method fa_percentage fa_profile:ref@<177 model_code:ref"
MARGINS = " ".join(f"{what}_{when}:money" for when in ("before", "change", "after")
                   for what in ("initial", "maintenance", "equity"))  # fmt: skip
SEC_IDS = "sec_ids *sec_ids(sec_id_tag sec_id)"
MIN_SIZES = "min_size@164 size_increment@164 suggested_increment@164"

OPEN_ORDER = f"""order_id {NAMED} {ORDER} client_id perm_id:perm outside_rth:flag hidden:flag discretionary
good_after:date shares_allocation:text {GROUPS} good_till:date rule_80a percent_offset settling_firm:account short_slot
location:ref exempt auction starting stock_reference delta range_lower range_upper display_size block:flag sweep:flag
all_or_none:flag min_quantity oca_type e_trade:flag firm_quote:flag nbbo_cap parent_id trigger_method volatility
volatility_type dn_type dn_aux ?dn_type(dn_con_id dn_firm:account dn_account:account dn_intent dn_open_close
dn_short:flag dn_slot dn_location:ref) continuous:flag reference_type trail_stop trailing_percent basis_points
basis_type combo_description {LEGS} {SCALE} hedge ?hedge(hedge_parameter) opt_out:flag clearing_account:account
clearing_intent not_held:flag {NEUTRAL} {ALGO} solicited:flag what_if:flag status {MARGINS} commission:money
min_commission:money max_commission:money commission_currency warning:text randomize_size:flag randomize_price:flag
{PEG} {CONDITIONS} adjusted_type trigger adjusted_trail_stop limit_offset adjusted_stop adjusted_stop_limit
adjusted_trailing adjustable_unit tier:ref tier_value:ref tier_name:ref cash_quantity:money no_auto_price:flag
oms_container:flag up_to_limit:flag price_management:flag duration@158 post_to_ats@160 cancel_parent:flag@162
{PEG_BEST}"""

COMPLETED_ORDER = f"""{NAMED} {ORDER} perm_id:perm outside_rth:flag hidden:flag discretionary good_after:date {GROUPS}
good_till:date rule_80a percent_offset settling_firm:account short_slot location:ref exempt starting stock_reference
delta range_lower range_upper display_size sweep:flag all_or_none:flag min_quantity oca_type trigger_method volatility
volatility_type dn_type dn_aux ?dn_type(dn_con_id dn_short:flag dn_slot dn_location:ref) continuous:flag reference_type
trail_stop trailing_percent combo_description {LEGS} {SCALE} hedge ?hedge(hedge_parameter) clearing_account:account
clearing_intent not_held:flag {NEUTRAL} {ALGO} solicited:flag status randomize_size:flag randomize_price:flag {PEG}
{CONDITIONS} adjusted_trail_stop limit_offset cash_quantity:money no_auto_price:flag oms_container:flag
cancel_date:date filled reference_futures cancel_parent:flag shareholder:text imbalance_only:flag to_bbo:flag
parent_perm_id:perm completed_time:date completed_status {PEG_BEST}"""

DETAILS = f"""v@<164 req symbol sec_type last_trade:date strike right:right exchange currency local_symbol market_name
trading_class con_id min_tick size_multiplier@<164 multiplier order_types valid_exchanges magnifier under_con_id
long_name primary_exchange contract_month:date industry category subcategory zone trading_hours:hours
liquid_hours:hours ev_rule ev_multiplier {SEC_IDS} agg_group under_symbol under_sec_type market_rules real_expiry:date
stock_type suggested@=163 {MIN_SIZES}"""

BOND_DETAILS = f"""v@<164 req symbol sec_type cusip coupon maturity:date issued:date ratings bond_type coupon_type
convertible:flag callable:flag putable:flag description exchange currency market_name trading_class con_id min_tick
size_multiplier@<164 order_types valid_exchanges next_option_date:date next_option_type next_option_partial:flag notes
long_name ev_rule ev_multiplier {SEC_IDS} agg_group market_rules {MIN_SIZES}"""

EXECUTION = f"""req order_id {NAMED} exec_id:exec time:date account:account exec_exchange side shares price perm_id:perm
client_id liquidation cumulative average order_ref:ref ev_rule ev_multiplier model_code:ref liquidity
pending_revision:flag@178"""

# from TWS
ANSWERS: dict[int, str] = {
    1: "v req tick price size mask",
    2: "v req tick size",
    3: ("order_id status filled remaining average perm_id:perm parent_id last_fill client_id why_held "
        "cap_price"),
    4: "v req code error_text:text reject_json:text@166",
    5: OPEN_ORDER,
    6: "v key value:by_key currency account:account",
    7: (f"v {HELD} primary_exchange currency local_symbol trading_class position:money price "
        "market_value:money average_cost:money unrealized:money realized:money account:account"),
    8: "v time:date",
    9: "v order_id",
    10: DETAILS,
    11: EXECUTION,
    12: "v req position operation side price size",
    13: "v req position maker operation side price size smart:flag@145",
    14: "v id type message:text exchange",
    15: "v accounts:account",
    16: "v fa_type fa_xml:xml",
    17: "req start:date end:date bars *bars(date:date open high low close volume average count)",
    18: BOND_DETAILS,
    19: "v scanner_xml",
    20: ("v req rows *rows(rank con_id symbol sec_type expiry:date strike right:right exchange currency "
         "local_symbol market_name trading_class distance benchmark projection legs_text)"),
    21: "req tick attribute iv delta price dividend gamma vega theta underlying",
    45: "v req tick value",
    46: "v req tick value",
    47: "v req tick points points_text implied hold_days expiry:date dividend_impact dividends",
    49: "v time:date",
    50: "v req time:date open high low close volume average count",
    51: "v req report",
    52: "v req",
    53: "v",
    54: "v account:account",
    55: "v req",
    56: "v req con_id delta price",
    57: "v req",
    58: "v req data_type",
    59: "v exec_id:exec commission:money currency realized:money yield yield_date",
    61: f"v account:account {NAMED} position:money average_cost:money",
    62: "v",
    63: "v req account:account key value:by_key currency",
    64: "v req",
    65: "v data:secret",
    66: "v ok error_text:secret",
    67: "v req groups",
    68: "v req contract_info",
    69: "v data:secret challenge:secret",
    70: "v ok error_text:secret",
    71: f"v req account:account {NAMED} position:money average_cost:money model_code:ref",
    72: "v req",
    73: "v req account:account model_code:ref key value:by_key currency",
    74: "v req",
    75: ("req exchange under_con_id trading_class multiplier expiries *expiries(expiry:date) "
        "strikes *strikes(strike)"),
    76: "req",
    77: "req tiers *tiers(tier:ref tier_value:ref tier_name:ref)",
    78: "codes *codes(account:account family:account)",
    79: ("req samples *samples(con_id symbol sec_type primary_exchange currency derivatives "
         "*derivatives(derivative) description@176 issuer@176)"),
    80: "exchanges *exchanges(exchange sec_type listing service agg_group)",
    81: "req min_tick bbo_exchange permissions",
    82: "req components *components(bit exchange letter)",
    83: "req type article:text",
    84: "req time:date provider article_id headline:text extra:text",
    85: "providers *providers(code name)",
    86: "req time:date provider article_id headline:text",
    87: "req more:flag",
    88: "req head:date",
    89: "req rows *rows(price size)",
    90: "req count date:date open close high low average volume",
    91: "req con_id exchange",
    92: "req con_id exchange",
    93: "rule_id steps *steps(low_edge increment)",
    94: "req daily:money unrealized:money realized:money",
    95: "req position:money daily:money unrealized:money realized:money value:money",
    96: "req ticks *ticks(time:date unused price size) done:flag",
    97: "req ticks *ticks(time:date mask bid ask bid_size ask_size) done:flag",
    98: "req ticks *ticks(time:date mask price size exchange special) done:flag",
    99: ("req tick time:date ?tick=1|2(price size mask exchange special) "
         "?tick=3(bid ask bid_size ask_size mask) ?tick=4(middle)"),
    100: "perm_id:perm client_id order_id",
    101: COMPLETED_ORDER,
    102: "",
    103: "req message:text",
    104: "req data:text",
    105: "req data:text",
    106: "req start:date end:date zone sessions *sessions(start:date end:date reference:date)",
    107: "req branding:user",
}  # fmt: skip

PLACE_ORDER = f"""order_id {LISTED} sec_id_type sec_id action quantity order_type limit aux tif oca_group:ref
account:account open_close origin order_ref:ref transmit:flag parent_id block:flag sweep:flag display_size
trigger_method outside_rth:flag hidden:flag ?sec_type=BAG({LEGS}) shares_allocation:text discretionary good_after:date
good_till:date {GROUPS} short_slot location:ref exempt oca_type rule_80a settling_firm:account all_or_none:flag
min_quantity percent_offset e_trade:flag firm_quote:flag nbbo_cap auction starting stock_reference delta range_lower
range_upper override:flag volatility volatility_type dn_type dn_aux ?dn_type(dn_con_id dn_firm:account
dn_account:account dn_intent dn_open_close dn_short:flag dn_slot dn_location:ref) continuous:flag reference_type
trail_stop trailing_percent {SCALE} scale_table active_start:date active_stop:date hedge ?hedge(hedge_parameter)
opt_out:flag clearing_account:account clearing_intent not_held:flag {NEUTRAL} {ALGO} algo_id:ref what_if:flag
misc_options:text solicited:flag randomize_size:flag randomize_price:flag {PEG} {CONDITIONS} adjusted_type trigger
limit_offset adjusted_stop adjusted_stop_limit adjusted_trailing adjustable_unit ext_operator:user tier:ref
tier_value:ref cash_quantity:money decision_maker:user decision_algo:user execution_trader:user execution_algo:user
no_auto_price:flag oms_container:flag up_to_limit:flag price_management:flag duration@158 post_to_ats@160
cancel_parent:flag@162 error_override:text@166 manual_time:date@169 ...:number"""

# to TWS
REQUESTS: dict[int, str] = {
    1: f"v req {LISTED} {PLAIN_LEGS} {NEUTRAL} generic snapshot:flag regulatory:flag options",
    2: "v req",
    3: PLACE_ORDER,
    4: "v order_id manual_time:date@169",
    5: "v",
    6: "v subscribe:flag account:account",
    7: "v req client_id account:account time:date symbol sec_type exchange side",
    8: "v count",
    9: f"v req {LISTED} expired:flag sec_id_type sec_id issuer@176",
    10: f"v req {LISTED} rows smart:flag options",
    11: "v req smart:flag",
    12: "v all:flag",
    13: "v",
    14: "v level",
    15: "v bind:flag",
    16: "v",
    17: "v",
    18: "v fa_type",
    19: "v fa_type fa_xml:xml req",
    20: (f"req {LISTED} expired:flag end:date bar_size duration rth:flag what format_date "
         f"{PLAIN_LEGS} keep:flag options"),
    21: f"v req {NAMED} exercise_action quantity account:account override",
    22: ("req rows instrument location scan above below volume cap_above cap_below "
         "moody_above moody_below sp_above sp_below maturity_above maturity_below coupon_above coupon_below "
         "no_convertible option_volume pairs stock_type filters options"),
    23: "v req",
    24: "v",
    25: "v req",
    49: "v",
    50: f"v req {LISTED} bar_size what rth:flag options",
    51: "v req",
    52: ("v req con_id symbol sec_type exchange primary_exchange currency local_symbol report "
         "count options"),
    53: "v req",
    54: f"v req {LISTED} price underlying count options",
    55: f"v req {LISTED} volatility underlying count options",
    56: "v req",
    57: "v req",
    58: "v",
    59: "v data_type",
    61: "v",
    62: "v req group:group tags",
    63: "v req",
    64: "v",
    65: "v api:user api_version",
    66: "v data:secret",
    67: "v req",
    68: "v req group_id",
    69: "v req contract_info",
    70: "v req",
    71: "v client_id capabilities:text",
    72: "v api:user api_version key:secret",
    73: "v data:secret response:secret",
    74: "v req account:account model_code:ref",
    75: "v req",
    76: "v req account:account model_code:ref ledger:flag",
    77: "v req",
    78: "req symbol exchange sec_type con_id",
    79: "req",
    80: "",
    81: "req pattern",
    82: "",
    83: "req bbo_exchange",
    84: "req provider article_id options",
    85: "",
    86: "req con_id providers start:date end:date total options",
    87: f"req {LISTED} expired:flag rth:flag what format_date",
    88: f"req {LISTED} expired:flag rth:flag period",
    89: "req",
    90: "req",
    91: "rule_id",
    92: "req account:account model_code:ref",
    93: "req",
    94: "req account:account model_code:ref con_id",
    95: "req",
    96: (f"req {LISTED} expired:flag start:date end:date count what rth:flag "
         "ignore:flag options"),
    97: f"req {LISTED} kind count ignore:flag",
    98: "req",
    99: "api_only:flag",
    100: "req",
    101: "req",
    102: ("req con_id filter:text@171 watchlist@171 portfolio@171 competitors@171 start:date@173 "
          "end:date@173 limit@173"),
    103: "req",
    104: "req",
}  # fmt: skip
