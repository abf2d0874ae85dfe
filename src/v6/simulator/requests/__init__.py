"""What is answered, by message id: one table. Nothing is met with silence but what TWS itself does not answer."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from v6.simulator.errors import BAD_REQUEST
from v6.simulator.requests import (
    account_summary,
    account_updates,
    accounts,
    calculations,
    contracts,
    history,
    market_data,
    orders,
    profit,
    realtime,
    reference,
    refusals,
    scanner,
)
from v6.simulator.requests.names import PLACES, SILENT
from v6.simulator.wire import Fields

if TYPE_CHECKING:
    from v6.simulator.session import Session

Handler = Callable[["Session", Fields], None]
UNKNOWN = "Error reading request. Invalid incoming request type - {kind}"

HANDLERS: dict[int, Handler] = {
    1: market_data.subscribe,
    2: market_data.cancel,
    3: orders.place,
    4: orders.cancel,
    5: orders.open_orders,
    6: account_updates.updates,
    7: orders.executions,
    8: orders.next_id,
    9: contracts.details,
    10: refusals.market_depth,
    11: refusals.cancel_market_depth,
    15: orders.auto_open_orders,
    16: orders.all_open_orders,
    17: accounts.managed,
    18: refusals.request_fa,
    19: refusals.replace_fa,
    20: history.bars,
    21: refusals.exercise,
    22: scanner.subscribe,
    23: scanner.cancel,
    24: scanner.parameters,
    25: history.cancel,
    49: accounts.current_time,
    50: realtime.bars,
    51: realtime.cancel,
    52: refusals.fundamental_data,
    54: calculations.volatility,
    55: calculations.option_price,
    58: orders.global_cancel,
    59: market_data.choose_type,
    61: accounts.positions,
    62: account_summary.summary,
    63: account_summary.cancel,
    64: accounts.cancel_positions,
    65: refusals.verification,
    66: refusals.verification,
    67: reference.display_groups,
    68: reference.subscribe_group,
    69: reference.update_group,
    70: reference.unsubscribe_group,
    72: refusals.verification,
    73: refusals.verification,
    74: accounts.positions_multi,
    75: accounts.cancel_positions_multi,
    76: account_updates.updates_multi,
    77: account_updates.cancel_multi,
    78: contracts.option_parameters,
    79: reference.soft_dollar_tiers,
    80: reference.family_codes,
    81: reference.matching_symbols,
    82: reference.depth_exchanges,
    83: reference.smart_components,
    84: refusals.news_article,
    85: reference.news_providers,
    86: refusals.historical_news,
    87: history.head_timestamp,
    88: refusals.histogram,
    90: history.cancel_head_timestamp,
    91: reference.market_rule,
    92: profit.account,
    93: profit.cancel,
    94: profit.single,
    95: profit.cancel_single,
    96: refusals.historical_ticks,
    97: refusals.tick_by_tick,
    98: refusals.cancel_tick_by_tick,
    99: orders.completed_orders,
    100: refusals.wall_street_horizon,
    102: refusals.wall_street_horizon,
    104: reference.user_info,
}


def answer(session: "Session", kind: int, fields: Fields) -> None:
    """Answer one request. Raises WireError when it cannot be read."""
    handler = HANDLERS.get(kind)
    if handler is not None:
        handler(session, fields)
    elif kind not in SILENT:
        session.error(request_id(kind, fields), BAD_REQUEST, UNKNOWN.format(kind=kind))


def request_id(kind: int, fields: Fields) -> int:
    """The id that an error about this request carries: its own, or -1 for requests without one."""
    place = PLACES.get(kind, 0)
    try:
        return int(fields.parts[place]) if place else -1
    except (IndexError, ValueError):
        return -1
