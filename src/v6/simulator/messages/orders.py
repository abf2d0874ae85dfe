"""Orders, their executions and commissions.

Layouts: the clients' decoders. Literals (`?`, `None`, `IB`, 2147483647, the shareholder's text) and number formats:
recordings of real TWS at 163, 176 and 200, public in the tests of other clients. Field counts of a plain order with the
delta-neutral type `None` that real TWS always names, and so with the fields that follow it (8 in openOrder, 4 in
completedOrder; without a type they would be missing): openOrder 128 at 157, 131 at 162, 136 at 170, 135 at 177;
completedOrder 96, 101 at 170, 100 at 177; execDetails 31, 32 at 178.
"""

from collections.abc import Sequence
from datetime import datetime

from v6.clock import NEW_YORK
from v6.simulator.instruments.listings import Listing
from v6.simulator.orders.execution import CommissionReport, Execution
from v6.simulator.orders.order import Order, OrderState
from v6.simulator.wire import UNSET_DOUBLE, UNSET_INTEGER, Field, frame, plain

UNSET_LONG = "9223372036854775807"
NOT_AN_INSIDER = "Not an insider or substantial shareholder"


def open_order(
    version: int, order_id: int, client_id: int, perm_id: int, listing: Listing, order: Order, state: OrderState
) -> bytes:
    added: list[Field] = [order.duration] if version >= 158 else []
    added += [order.post_to_ats] if version >= 160 else []
    added += [order.auto_cancel_parent] if version >= 162 else []
    return frame(
        5, order_id, *_contract(listing), *_terms(order), client_id, perm_id, order.outside_rth, order.hidden,
        plain(order.discretionary_amount), order.good_after_time, f"{perm_id}.0/{order.account}/100",
        *_advisor(version, order), *_short_sale(order), order.auction_strategy, *_box(order), order.block_order,
        order.sweep_to_fill, order.all_or_none, order.min_quantity, order.oca_type or 3, order.etrade_only,
        order.firm_quote_only, order.nbbo_price_cap, order.parent_id, order.trigger_method, *_volatility(order),
        order.delta_neutral_con_id, order.delta_neutral_settling_firm, order.delta_neutral_clearing_account,
        order.delta_neutral_clearing_intent, order.delta_neutral_open_close or "?", *_delta_neutral_short_sale(order),
        *_trail(order), "", "", *_combination(order), *_scale(order), order.opt_out_smart_routing, *_clearing(order),
        *_algorithm(order), order.what_if, *_state(state), order.randomize_size, order.randomize_price,
        *_pegged_to_benchmark(order), *_conditions(order), *_adjusted(order), *order.soft_dollar_tier,
        *_hedging(order), order.discretionary_up_to_limit_price, bool(order.use_price_mgmt_algo), *added,
        *_competing(version, order),
    )  # fmt: skip


def completed_order(
    version: int, perm_id: int, listing: Listing, order: Order, filled: float, state: OrderState
) -> bytes:
    """Names neither order id nor client id; the total is what was left, as recorded."""
    return frame(
        101, *_contract(listing), *_terms(order, order.total_quantity - filled), perm_id, order.outside_rth,
        order.hidden, plain(order.discretionary_amount), order.good_after_time, *_advisor(version, order),
        *_short_sale(order), *_box(order), order.sweep_to_fill, order.all_or_none, order.min_quantity,
        order.oca_type or 3, order.trigger_method, *_volatility(order), order.delta_neutral_con_id,
        *_delta_neutral_short_sale(order), *_trail(order), *_combination(order), *_scale(order), *_clearing(order),
        *_algorithm(order), state.status, order.randomize_size, order.randomize_price, *_pegged_to_benchmark(order),
        *_conditions(order), _unset(order.trail_stop_price), _unset(order.limit_offset), *_hedging(order), "",
        plain(filled), UNSET_INTEGER, order.auto_cancel_parent, NOT_AN_INSIDER, 0, 0,
        state.parent_perm_id or UNSET_LONG, state.completed_time, state.completed_status, *_competing(version, order),
    )  # fmt: skip


def _contract(listing: Listing) -> tuple[Field, ...]:
    return (
        listing.con_id, listing.symbol, listing.sec_type, listing.expiry_text, plain(listing.strike),
        listing.right or "?", listing.multiplier, listing.exchange, listing.currency, listing.local_symbol,
        listing.trading_class,
    )  # fmt: skip


def _terms(order: Order, quantity: float | None = None) -> tuple[Field, ...]:
    """A retail order opens without saying so: `O` comes back as nothing."""
    return (
        order.action, plain(order.total_quantity if quantity is None else quantity), order.order_type,
        order.limit_price or 0.0, order.aux_price or 0.0, order.tif, order.oca_group, order.account,
        "" if order.open_close == "O" else order.open_close, order.origin, order.order_ref,
    )  # fmt: skip


def _advisor(version: int, order: Order) -> tuple[Field, ...]:
    profile = (order.fa_profile,) if version < 177 else ()
    return (
        order.fa_group, order.fa_method, order.fa_percentage, *profile, order.model_code, order.good_till_date,
        order.rule_80a, order.percent_offset, order.settling_firm,
    )  # fmt: skip


def _short_sale(order: Order) -> tuple[Field, ...]:
    return order.short_sale_slot, order.designated_location, order.exempt_code


def _box(order: Order) -> tuple[Field, ...]:
    return (
        order.starting_price, order.stock_ref_price, order.delta, order.stock_range_lower, order.stock_range_upper,
        order.display_size or UNSET_INTEGER,
    )  # fmt: skip


def _volatility(order: Order) -> tuple[Field, ...]:
    kind = order.delta_neutral_order_type or "None"
    return order.volatility, order.volatility_type or 0, kind, order.delta_neutral_aux_price


def _delta_neutral_short_sale(order: Order) -> tuple[Field, ...]:
    slot, location = order.delta_neutral_short_sale_slot, order.delta_neutral_designated_location
    return order.delta_neutral_short_sale, slot, location


def _trail(order: Order) -> tuple[Field, ...]:
    return (
        order.continuous_update, order.reference_price_type or 0, order.trail_stop_price, order.trailing_percent,
    )  # fmt: skip


def _combination(order: Order) -> list[Field]:
    """The description, e.g. `43645865|1,9408|-1`, then the legs, their prices and the routing."""
    fields: list[Field] = [
        ",".join(f"{leg.con_id}|{'' if leg.action == 'BUY' else '-'}{leg.ratio}" for leg in order.combo_legs)
    ]
    for counted in (order.combo_legs, [(price,) for price in order.leg_prices], order.smart_combo_routing_params):
        fields += _counted(counted)
    return fields


def _counted(elements: Sequence[tuple[Field, ...]]) -> list[Field]:
    return [len(elements), *(field for element in elements for field in element)]


def _scale(order: Order) -> list[Field]:
    """Scale sizes and prices, then the hedge."""
    fields: list[Field] = [
        _unset_integer(order.scale_init_level_size), _unset_integer(order.scale_subs_level_size),
        order.scale_price_increment,
    ]  # fmt: skip
    if (order.scale_price_increment or 0) > 0:
        fields += [
            order.scale_price_adjust_value, order.scale_price_adjust_interval, order.scale_profit_offset,
            order.scale_auto_reset, order.scale_init_position, order.scale_init_fill_qty, order.scale_random_percent,
        ]  # fmt: skip
    return [*fields, order.hedge_type, *([order.hedge_param] if order.hedge_type else [])]


def _clearing(order: Order) -> tuple[Field, ...]:
    neutral = order.delta_neutral_contract
    contract = (1, neutral.con_id, neutral.delta, neutral.price) if neutral else (0,)
    return order.clearing_account, order.clearing_intent or "IB", order.not_held, *contract


def _algorithm(order: Order) -> tuple[Field, ...]:
    parameters = _counted(order.algo_params) if order.algo_strategy else []
    return order.algo_strategy, *parameters, order.solicited


def _state(state: OrderState) -> tuple[Field, ...]:
    margins = state[1:10]
    return (
        state.status, *map(_unset, margins), state.commission, state.min_commission, state.max_commission,
        state.commission_currency, state.warning_text,
    )  # fmt: skip


def _pegged_to_benchmark(order: Order) -> tuple[Field, ...]:
    if order.order_type not in ("PEG BENCH", "PEGBENCH"):
        return ()
    return (
        order.reference_contract_id, order.pegged_change_decrease, order.pegged_change_amount,
        order.reference_change_amount, order.reference_exchange,
    )  # fmt: skip


def _conditions(order: Order) -> list[Field]:
    if not order.conditions:
        return [0]
    conditions = _counted([(kind, *fields) for kind, fields in order.conditions])
    return [*conditions, order.conditions_ignore_rth, order.conditions_cancel_order]


def _adjusted(order: Order) -> tuple[Field, ...]:
    return (
        order.adjusted_order_type or "None", _unset(order.trigger_price), _unset(order.trail_stop_price),
        _unset(order.limit_offset), _unset(order.adjusted_stop_price), _unset(order.adjusted_stop_limit_price),
        _unset(order.adjusted_trailing_amount), order.adjustable_trailing_unit,
    )  # fmt: skip


def _hedging(order: Order) -> tuple[Field, ...]:
    """Recordings always say 1 for dontUseAutoPriceForHedge, whatever was asked for."""
    return plain(order.cash_quantity or 0), 1, order.is_oms_container


def _competing(version: int, order: Order) -> tuple[Field, ...]:
    if version < 170:
        return ()
    offset = order.compete_against_best_offset
    return (
        order.min_trade_quantity, order.min_compete_size, "Infinity" if offset == float("inf") else offset,
        order.mid_offset_at_whole, order.mid_offset_at_half,
    )  # fmt: skip


def _unset(value: Field) -> Field:
    return UNSET_DOUBLE if value is None else value


def _unset_integer(value: int | None) -> Field:
    return UNSET_INTEGER if value is None else value


def order_status(
    order_id: int, status: str, filled: float, remaining: float, average_price: float, perm_id: int, parent_id: int,
    last_price: float, client_id: int, why_held: str = "", market_cap_price: float = 0.0,
) -> bytes:  # fmt: skip
    """`why_held`: `locate` while shares to sell short are looked for; the price 0 unless TWS caps it."""
    return frame(
        3, order_id, status, plain(filled), plain(remaining), plain(average_price), perm_id, parent_id,
        plain(last_price), client_id, why_held, plain(market_cap_price),
    )  # fmt: skip


def execution(version: int, request: int, order_id: int, listing: Listing, done: Execution) -> bytes:
    """`request` -1 for one that nobody asked for. The contract names the exchange that traded, not SMART."""
    revision = (done.pending_price_revision,) if version >= 178 else ()
    return frame(
        11, request, order_id, listing.con_id, listing.symbol, listing.sec_type, listing.expiry_text, listing.strike,
        listing.right, listing.multiplier, done.exchange, listing.currency, listing.local_symbol,
        listing.trading_class, done.exec_id, _time(version, done.time), done.account, done.exchange, done.side,
        plain(done.shares), plain(done.price), done.perm_id, done.client_id, done.liquidation, plain(done.cumulative),
        plain(done.average_price), done.order_ref, done.ev_rule, done.ev_multiplier, done.model_code,
        done.last_liquidity, *revision,
    )  # fmt: skip


def _time(version: int, epoch: float) -> str:
    """Two blanks before 174, from then on with the zone of the login."""
    wall = datetime.fromtimestamp(epoch, NEW_YORK)
    return f"{wall:%Y%m%d %H:%M:%S} US/Eastern" if version >= 174 else f"{wall:%Y%m%d  %H:%M:%S}"


def commission_report(report: CommissionReport) -> bytes:
    return frame(
        59, 1, report.exec_id, report.commission, report.currency, _unset(report.realized_pnl), _unset(report.yield_),
        report.redemption_date or "",
    )  # fmt: skip


def order_bound(perm_id: int, client_id: int, order_id: int) -> bytes:
    """An order of TWS itself now has an id of client 0."""
    return frame(100, perm_id, client_id, order_id)


def open_orders_end() -> bytes:
    return frame(53, 1)


def executions_end(request: int) -> bytes:
    return frame(55, 1, request)


def completed_orders_end() -> bytes:
    return frame(102)
