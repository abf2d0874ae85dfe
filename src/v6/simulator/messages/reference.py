"""Reference data: price increments, symbol search, exchanges, names of things."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from v6.simulator.wire import Field, frame, plain


class Sample(NamedTuple):
    """One match of a symbol search; `derivatives` are the security types that exist on it."""

    con_id: int
    symbol: str
    sec_type: str
    primary_exchange: str
    currency: str
    derivatives: tuple[str, ...]
    description: str
    issuer_id: str = ""


def display_group_list(request: int, groups: Sequence[int]) -> bytes:
    return frame(67, 1, request, "|".join(str(group) for group in groups))


def display_group_updated(request: int, contract: str) -> bytes:
    """`contract`: "conId@exchange", or "none" for a group that shows nothing."""
    return frame(68, 1, request, contract)


def soft_dollar_tiers(request: int, tiers: Sequence[tuple[str, str, str]]) -> bytes:
    """Name, value and display name of each tier."""
    return frame(77, request, len(tiers), *_flat(tiers))


def family_codes(codes: Sequence[tuple[str, str]]) -> bytes:
    """Account and family code of each."""
    return frame(78, len(codes), *_flat(codes))


def symbol_samples(version: int, request: int, samples: Sequence[Sample]) -> bytes:
    fields: list[Field] = [79, request, len(samples)]
    for each in samples:
        fields += [each.con_id, each.symbol, each.sec_type, each.primary_exchange, each.currency]
        fields += [len(each.derivatives), *each.derivatives]
        if version >= 176:
            fields += [each.description, each.issuer_id]
    return frame(*fields)


def depth_exchanges(rows: Sequence[tuple[str, str, str, str, int]]) -> bytes:
    """Exchange, security type, listing exchange, kind of service and aggregation group of each."""
    return frame(80, len(rows), *_flat(rows))


def smart_components(request: int, components: Sequence[tuple[int, str, str]]) -> bytes:
    """Bit, exchange and its letter in the exchange ticks."""
    return frame(82, request, len(components), *_flat(components))


def news_providers(providers: Sequence[tuple[str, str]]) -> bytes:
    """Code and name of each."""
    return frame(85, len(providers), *_flat(providers))


def historical_news_end(request: int, *, more: bool) -> bytes:
    """`more`: whether there are older headlines than those sent."""
    return frame(87, request, more)


def market_rule(rule: int, increments: Sequence[tuple[float, float]]) -> bytes:
    """Low edge and increment of each step, lowest first."""
    return frame(93, rule, len(increments), *(plain(number) for step in increments for number in step))


def user_info(request: int, white_branding: str) -> bytes:
    return frame(107, request, white_branding)


def _flat(rows: Iterable[Sequence[Field]]) -> list[Field]:
    return [field for row in rows for field in row]
