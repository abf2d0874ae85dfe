"""Which open orders are cancelled before a restart, and which stay and why. Pure: decisions, no connection.

none  nothing is cancelled
own   the orders of `owner_client_ids`; good-till orders only with `include_gtc`
all   every order of every client, and those typed into TWS: the global cancel

A bracket or an OCA group stays whole when one of its orders stays: TWS ends the rest of it with the one that is
cancelled, a stop that protects among them.
"""

from collections.abc import Callable, Collection, Hashable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from v6.config.settings import Restart
from v6.model import FatalError, OpenOrder, Position

GOOD_TILL = ("GTC", "GTD")
"""Times in force that outlive the day: IBKR keeps such orders over the restart."""
STOPS = ("STP", "STP LMT", "TRAIL", "TRAIL LIMIT", "STP PRT")
PAPER_ACCOUNTS = ("DU", "DF")
"""How the ids of paper accounts begin, of an advisor's too [IBKR's documents]; a real one begins U or F."""


class PolicyRefused(FatalError):  # noqa: N818 - it names what happened
    """The configured policy is not allowed on these accounts."""


@dataclass(frozen=True, slots=True)
class Decision:
    """`kept` says why the order stays; "" when it is cancelled. `bound`: the policy would cancel it, and it stays for
    the sake of another one of its group."""

    order: OpenOrder
    kept: str = ""
    bound: bool = False


def require_allowed(settings: Restart, accounts: Collection[str]) -> None:
    """A global cancel takes the orders of every program of the login: on real money a person must have allowed it.
    Raises PolicyRefused (exit 2)."""
    if settings.cancel != "all" or settings.allow_global_cancel:
        return
    real = sorted(account for account in accounts if not account.startswith(PAPER_ACCOUNTS))
    if real or not accounts:
        whose = f"{', '.join(real)} is no paper account" if real else "TWS named no account"
        raise PolicyRefused(
            f"restart.cancel: all is refused: {whose}, and restart.allow_global_cancel is false; allowed: own or none, "
            "or allow_global_cancel: true if every order of the login may be cancelled"
        )


def decide(orders: Iterable[OpenOrder], settings: Restart) -> list[Decision]:
    """One decision an order, in the same order."""
    decisions = [Decision(order, _kept(order, settings)) for order in orders]
    while (spread := _spread(decisions)) != decisions:
        decisions = spread
    return decisions


def _spread(decisions: Sequence[Decision]) -> list[Decision]:
    """Orders tied to one that stays stay too."""
    staying = {tie: decision.order for decision in decisions if decision.kept for tie in ties(decision.order)}
    return [decision if decision.kept else _bound(decision, staying) for decision in decisions]


def _bound(decision: Decision, staying: dict[Hashable, OpenOrder]) -> Decision:
    other = next((staying[tie] for tie in ties(decision.order) if tie in staying), None)
    if other is None:
        return decision
    return replace(decision, kept=f"its cancel would take along what stays: {other}", bound=True)


def ties(order: OpenOrder) -> set[Hashable]:
    """What an order shares with those that TWS ends with it: the OCA group within the account (whoever placed the
    others), the bracket of its client."""
    found: set[Hashable] = {("oca", order.account, order.oca_group)} if order.oca_group else set()
    if not typed_into_tws(order):
        found.add(("bracket", order.client_id, order.parent_id or order.order_id))
    return found


def _kept(order: OpenOrder, settings: Restart) -> str:
    return next((why for applies, why in RULES[settings.cancel] if applies(order, settings)), "").format(order=order)


Rule = tuple[Callable[[OpenOrder, Restart], bool], str]

RULES: dict[Literal["none", "own", "all"], tuple[Rule, ...]] = {
    "none": ((lambda _o, _s: True, "restart.cancel is none"),),
    "own": (
        (lambda order, _s: typed_into_tws(order), "typed into TWS, where only a person or a global cancel reaches it"),
        (
            lambda order, settings: order.client_id not in settings.owner_client_ids,
            "of client {order.client_id}, which restart.owner_client_ids does not name",
        ),
        (
            lambda order, settings: order.tif in GOOD_TILL and not settings.include_gtc,
            "{order.tif}: it stays at IBKR over the restart",
        ),
    ),
    "all": (),
}
"""The first rule that applies keeps the order; without one it is cancelled."""


def typed_into_tws(order: OpenOrder) -> bool:
    """Such orders belong to client 0 and have no order id, or a negative one once client 0 has bound them."""
    return order.client_id == 0 and order.order_id <= 0


def in_words(settings: Restart) -> str:
    """What the policy will do, for the operator."""
    owners = ", ".join(map(str, settings.owner_client_ids))
    kept = "" if settings.include_gtc else "; good-till orders stay, and what is in one group with them"
    own = f"the open orders of client ids {owners}{kept}" if owners else "no order: restart.owner_client_ids is empty"
    told = {
        "none": "It cancels no order.",
        "own": f"It cancels {own}.",
        "all": "It cancels EVERY open order of the login.",
    }[settings.cancel]
    closes = f" It closes positions in {', '.join(settings.close_positions)}." if settings.close_positions else ""
    return f"{told}{closes}"


def protective(orders: Iterable[OpenOrder], positions: Sequence[Position] | None) -> list[OpenOrder]:
    """Stops that stand against a held futures position: without them it is unprotected through the restart. Every
    stop on a future when the positions are not known (None)."""
    if positions is None:
        return [order for order in orders if order.order_type in STOPS and order.contract.sec_type == "FUT"]
    held = {
        (position.account, position.contract.con_id): "SELL" if position.quantity > 0 else "BUY"
        for position in positions
        if position.contract.sec_type == "FUT" and position.quantity
    }
    return [
        order
        for order in orders
        if order.order_type in STOPS and held.get((order.account, order.contract.con_id)) == order.action
    ]


def leaders(orders: Sequence[OpenOrder]) -> list[OpenOrder]:
    """The orders to cancel first: TWS takes the children of a bracket and the rest of an OCA group with them, and a
    cancel of one that is already on its way out would be its second."""
    ids = {(order.client_id, order.order_id) for order in orders}
    groups: set[tuple[str, str]] = set()
    first = []
    for order in orders:
        group = (order.account, order.oca_group)
        if (order.client_id, order.parent_id) in ids and order.parent_id:
            continue
        if order.oca_group and group in groups:
            continue
        groups.add(group)
        first.append(order)
    return first
