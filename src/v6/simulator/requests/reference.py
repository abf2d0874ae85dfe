"""Questions about the world that need no market: price increments, symbols, exchanges, groups, providers."""

from typing import TYPE_CHECKING

from v6.simulator import errors
from v6.simulator.instruments import reference_data
from v6.simulator.instruments.market_rules import RULES
from v6.simulator.messages import reference
from v6.simulator.wire import Fields

if TYPE_CHECKING:
    from v6.simulator.session import Session

GROUP_EVENTS = "display group"


def market_rule(session: "Session", fields: Fields) -> None:
    rule = fields.integer()
    if rule in RULES:
        session.send(reference.market_rule(rule, RULES[rule]))
    else:
        session.error(-1, *errors.processing("cd", f"Market rule with id = {rule} is missing"))


def matching_symbols(session: "Session", fields: Fields) -> None:
    request, pattern = fields.integer(), fields.text()
    cause = ""
    if not pattern.strip():
        cause = "Pattern must not be empty"
    elif not (pattern.isascii() and pattern.isprintable()):
        cause = f"Invalid pattern: '{pattern}'"
    if cause:
        session.error(request, *errors.validating("ce", cause))
        return
    found = reference.symbol_samples(session.version, request, reference_data.matches(pattern))
    session.later(session.server.options.reply_seconds, found)


def family_codes(session: "Session", _: Fields) -> None:
    session.send(reference.family_codes(reference_data.FAMILY_CODES))


def user_info(session: "Session", fields: Fields) -> None:
    session.send(reference.user_info(fields.integer(), ""))


def soft_dollar_tiers(session: "Session", fields: Fields) -> None:
    session.send(reference.soft_dollar_tiers(fields.integer(), ()))


def smart_components(session: "Session", fields: Fields) -> None:
    request, exchange = fields.integer(), fields.text()
    components = reference_data.SMART_COMPONENTS.get(exchange)
    if components is None:
        session.error(request, *errors.validating("cb", "Invalid BBO exchange/security type code"))
    else:
        session.send(reference.smart_components(request, components))


def depth_exchanges(session: "Session", _: Fields) -> None:
    session.send(reference.depth_exchanges(reference_data.DEPTH_EXCHANGES))


def news_providers(session: "Session", _: Fields) -> None:
    session.send(reference.news_providers(reference_data.NEWS_PROVIDERS))


# display groups: no window of this TWS shows a contract


def display_groups(session: "Session", fields: Fields) -> None:
    fields.skip(1)
    session.send(reference.display_group_list(fields.integer(), reference_data.DISPLAY_GROUPS))


def subscribe_group(session: "Session", fields: Fields) -> None:
    fields.skip(1)
    request, group = fields.integer(), fields.integer()
    if group not in reference_data.DISPLAY_GROUPS:
        session.error(request, *errors.validating("bn", f"Invalid group id: {group}"))
    elif session.open_stream(GROUP_EVENTS, request, lambda: None):
        session.send(reference.display_group_updated(request, reference_data.NO_CONTRACT))
    else:
        session.error(request, *errors.validating("bn", "Duplicate ticker id"))


def update_group(session: "Session", fields: Fields) -> None:
    """A valid update changes no window here, and TWS answers it with silence."""
    fields.skip(1)
    request = fields.integer()
    if request not in session.streams(GROUP_EVENTS):
        session.error(request, *errors.validating("bo", "Not subscribed to group events"))


def unsubscribe_group(session: "Session", fields: Fields) -> None:
    fields.skip(1)
    request = fields.integer()
    if not session.end_stream(GROUP_EVENTS, request):
        session.error(request, *errors.validating("bp", "Not subscribed to group events"))
