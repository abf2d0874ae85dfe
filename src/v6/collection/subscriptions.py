"""What V6's collectors are subscribed to: the contracts of the newest universe, and the newest futures front months."""

from datetime import date, timedelta

from v6.collection import front_months, universe
from v6.model import Contract
from v6.runner.context import Context

LOOK_BACK = timedelta(days=14)
"""Longer than any run of days without a session."""


def subscriptions(ctx: Context, on: date) -> list[Contract]:
    """Of the latest day up to `on` that has any. Raises what the lake raises."""
    return [*_options(ctx, on), *_futures(ctx, on)]


def _options(ctx: Context, on: date) -> list[Contract]:
    days = ctx.lake.read("option_contracts", start=on - LOOK_BACK, end=on, columns=("trade_date",))
    if days.is_empty():
        return []
    frozen = universe.load(ctx, max(days["trade_date"]), queued=False)
    return list(frozen.contracts) if frozen is not None else []


def _futures(ctx: Context, on: date) -> list[Contract]:
    latest = front_months.stored(ctx, on - LOOK_BACK, on)
    return [contract for contract in latest.values() if contract.expiry is None or contract.expiry >= on]
