"""A trading state in words, for a person. Pure."""

from collections import Counter
from datetime import datetime

from v6.restart.records.difference import WATCHED_TAGS
from v6.restart.records.trading_state import TradingState
from v6.restart.windows import Occurrence, in_words


def lines(state: TradingState, now: datetime) -> list[str]:
    """What could not be read comes first: what is not listed below it may still exist."""
    age = in_words(state.age(now).total_seconds())
    return [
        f"saved {state.saved_at:%Y-%m-%d %H:%M:%S %Z}, {age} old{_window(state)}",
        *(f"NOT read: {entry}" for entry in state.partial),
        *_listed("open order", [str(order) for order in state.orders]),
        *_listed("position", [f"{one.quantity:g} {one.contract} in {one.account}" for one in state.positions]),
        *_listed("account value", _values(state)),
        *_listed("subscription", _subscriptions(state)),
        *_listed("scanner", [f"{one.scan_code} of {one.location}" for one in state.scanners]),
        *_listed("order-id mark", [f"client {client}: {mark}" for client, mark in state.order_ids.items()]),
    ]


def _window(state: TradingState) -> str:
    if state.window_start is None or state.window_end is None:
        return ""
    return f", for {Occurrence(state.window, state.window_start, state.window_end, acts=True)}"


def _values(state: TradingState) -> list[str]:
    return [
        f"{account} {tag} {values[tag]}"
        for account, values in state.account_values.items()
        for tag in WATCHED_TAGS
        if tag in values
    ]


def _subscriptions(state: TradingState) -> list[str]:
    """By symbol and kind: hundreds of options are one line."""
    counts = Counter(f"{one.symbol} {one.sec_type}" for one in state.subscriptions)
    return [f"{name}: {count}" for name, count in counts.items()]


def _listed(noun: str, found: list[str]) -> list[str]:
    return [f"{noun}: {one}" for one in found] or [f"{noun}: none"]
