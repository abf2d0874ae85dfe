"""One order as its client instructs it, and the state TWS shows with it. Values only."""

from dataclasses import dataclass
from typing import NamedTuple


class ComboLeg(NamedTuple):
    """`open_close`: 0 same as the combination, 1 open, 2 close, 3 unknown."""

    con_id: int
    ratio: int
    action: str
    exchange: str
    open_close: int = 0
    short_sale_slot: int = 0
    designated_location: str = ""
    exempt_code: int = -1


class DeltaNeutral(NamedTuple):
    """The underlying contract of a delta-neutral combination."""

    con_id: int
    delta: float
    price: float


class Condition(NamedTuple):
    """`kind`: 1 price, 3 time, 4 margin, 5 execution, 6 volume, 7 percent change; `fields` as they travel after it."""

    kind: int
    fields: tuple[str, ...]


class SoftDollarTier(NamedTuple):
    name: str = ""
    value: str = ""
    display_name: str = ""


NO_TIER = SoftDollarTier()


@dataclass(frozen=True, slots=True)
class Order:
    """Names follow IB's, in snake case; None = unset. Prices in the contract's currency, `trailing_percent` in percent.

    Times are text as the client wrote them. `combo_legs` and `delta_neutral_contract` belong to the contract but
    travel with the order.
    """

    action: str = ""
    total_quantity: float = 0.0
    order_type: str = ""
    limit_price: float | None = None
    aux_price: float | None = None
    tif: str = ""
    oca_group: str = ""
    oca_type: int = 0
    account: str = ""
    open_close: str = "O"
    origin: int = 0
    order_ref: str = ""
    transmit: bool = True
    parent_id: int = 0
    block_order: bool = False
    sweep_to_fill: bool = False
    display_size: int = 0
    trigger_method: int = 0
    outside_rth: bool = False
    hidden: bool = False
    discretionary_amount: float = 0.0
    good_after_time: str = ""
    good_till_date: str = ""
    fa_group: str = ""
    fa_method: str = ""
    fa_percentage: str = ""
    fa_profile: str = ""
    model_code: str = ""
    short_sale_slot: int = 0
    designated_location: str = ""
    exempt_code: int = -1
    rule_80a: str = ""
    settling_firm: str = ""
    all_or_none: bool = False
    min_quantity: int | None = None
    percent_offset: float | None = None
    etrade_only: bool = False
    firm_quote_only: bool = False
    nbbo_price_cap: float | None = None
    auction_strategy: int = 0
    starting_price: float | None = None
    stock_ref_price: float | None = None
    delta: float | None = None
    stock_range_lower: float | None = None
    stock_range_upper: float | None = None
    override_percentage_constraints: bool = False
    volatility: float | None = None
    volatility_type: int | None = None
    delta_neutral_order_type: str = ""
    delta_neutral_aux_price: float | None = None
    delta_neutral_con_id: int = 0
    delta_neutral_settling_firm: str = ""
    delta_neutral_clearing_account: str = ""
    delta_neutral_clearing_intent: str = ""
    delta_neutral_open_close: str = ""
    delta_neutral_short_sale: bool = False
    delta_neutral_short_sale_slot: int = 0
    delta_neutral_designated_location: str = ""
    continuous_update: bool = False
    reference_price_type: int | None = None
    trail_stop_price: float | None = None
    trailing_percent: float | None = None
    scale_init_level_size: int | None = None
    scale_subs_level_size: int | None = None
    scale_price_increment: float | None = None
    scale_price_adjust_value: float | None = None
    scale_price_adjust_interval: int | None = None
    scale_profit_offset: float | None = None
    scale_auto_reset: bool = False
    scale_init_position: int | None = None
    scale_init_fill_qty: int | None = None
    scale_random_percent: bool = False
    scale_table: str = ""
    active_start_time: str = ""
    active_stop_time: str = ""
    hedge_type: str = ""
    hedge_param: str = ""
    opt_out_smart_routing: bool = False
    clearing_account: str = ""
    clearing_intent: str = ""
    not_held: bool = False
    algo_strategy: str = ""
    algo_params: tuple[tuple[str, str], ...] = ()
    algo_id: str = ""
    what_if: bool = False
    misc_options: str = ""
    solicited: bool = False
    randomize_size: bool = False
    randomize_price: bool = False
    reference_contract_id: int = 0
    pegged_change_decrease: bool = False
    pegged_change_amount: float = 0.0
    reference_change_amount: float = 0.0
    reference_exchange: str = ""
    conditions: tuple[Condition, ...] = ()
    conditions_ignore_rth: bool = False
    conditions_cancel_order: bool = False
    adjusted_order_type: str = ""
    trigger_price: float | None = None
    limit_offset: float | None = None
    adjusted_stop_price: float | None = None
    adjusted_stop_limit_price: float | None = None
    adjusted_trailing_amount: float | None = None
    adjustable_trailing_unit: int = 0
    ext_operator: str = ""
    soft_dollar_tier: SoftDollarTier = NO_TIER
    cash_quantity: float | None = None
    mifid2_decision_maker: str = ""
    mifid2_decision_algo: str = ""
    mifid2_execution_trader: str = ""
    mifid2_execution_algo: str = ""
    dont_use_auto_price_for_hedge: bool = False
    is_oms_container: bool = False
    discretionary_up_to_limit_price: bool = False
    use_price_mgmt_algo: bool | None = None
    duration: int | None = None
    post_to_ats: int | None = None
    auto_cancel_parent: bool = False
    advanced_error_override: str = ""
    manual_order_time: str = ""
    min_trade_quantity: int | None = None
    min_compete_size: int | None = None
    compete_against_best_offset: float | None = None
    mid_offset_at_whole: float | None = None
    mid_offset_at_half: float | None = None
    combo_legs: tuple[ComboLeg, ...] = ()
    leg_prices: tuple[float | None, ...] = ()
    smart_combo_routing_params: tuple[tuple[str, str], ...] = ()
    delta_neutral_contract: DeltaNeutral | None = None


class OrderState(NamedTuple):
    """What openOrder and completedOrder say beside the instruction; None = unset.

    Margins as text in the account's currency, e.g. "25391.57"; commissions in `commission_currency`. `completed_time`
    (`yyyymmdd hh:mm:ss zone`), `completed_status` (`Cancelled by Trader`, `Filled Size: 100`) and `parent_perm_id`
    travel in completedOrder only.
    """

    status: str
    init_margin_before: str | None = None
    maint_margin_before: str | None = None
    equity_with_loan_before: str | None = None
    init_margin_change: str | None = None
    maint_margin_change: str | None = None
    equity_with_loan_change: str | None = None
    init_margin_after: str | None = None
    maint_margin_after: str | None = None
    equity_with_loan_after: str | None = None
    commission: float | None = None
    min_commission: float | None = None
    max_commission: float | None = None
    commission_currency: str = ""
    warning_text: str = ""
    completed_time: str = ""
    completed_status: str = ""
    parent_perm_id: int | None = None
