"""Which orders are cancelled before a restart: the whole table, without a connection."""

from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml

from v6.config.settings import Restart
from v6.model import Contract, OpenOrder, Position
from v6.restart.preparation.cancel_policy import PolicyRefused, decide, in_words, leaders, protective, require_allowed

ROOT = Path(__file__).resolve().parents[2]
SPY = Contract("STK", "SPY", "SMART", con_id=756733)
ES = Contract("FUT", "ES", "CME", con_id=495512563, expiry=date(2026, 12, 18))
MINE = OpenOrder(11, 5, 1, "DU9000001", SPY, "BUY", "LMT", 10.0, "DAY", "Submitted", limit_price=500.0)
TYPED = replace(MINE, perm_id=12, client_id=0, order_id=0)
BOUND = replace(MINE, perm_id=13, client_id=0, order_id=-2)
FOREIGN = replace(MINE, perm_id=14, client_id=7)
GTC = replace(MINE, perm_id=15, order_id=2, tif="GTC")
GTD = replace(MINE, perm_id=16, order_id=3, tif="GTD")
API_OF_ZERO = replace(MINE, perm_id=17, client_id=0, order_id=4)
EVERY = (MINE, TYPED, BOUND, FOREIGN, GTC, GTD, API_OF_ZERO)


def settings(**changes: Any) -> Restart:
    defaults = yaml.safe_load((ROOT / "config" / "default.yaml").read_text())["restart"]
    return Restart.model_validate(defaults | changes)


def cancelled(**changes: Any) -> set[int]:
    """permIds that the policy cancels."""
    return {each.order.perm_id for each in decide(EVERY, settings(**changes)) if not each.kept}


@pytest.mark.parametrize(
    ("changes", "perm_ids"),
    [
        ({"cancel": "none", "owner_client_ids": [5], "include_gtc": True}, set()),
        ({"cancel": "own"}, set()),
        ({"cancel": "own", "owner_client_ids": [5]}, {11}),
        ({"cancel": "own", "owner_client_ids": [5], "include_gtc": True}, {11, 15, 16}),
        ({"cancel": "own", "owner_client_ids": [0, 5]}, {11, 17}),
        ({"cancel": "own", "owner_client_ids": [7]}, {14}),
        ({"cancel": "all"}, {11, 12, 13, 14, 15, 16, 17}),
    ],
)
def test_every_policy(changes: dict[str, Any], perm_ids: set[int]) -> None:
    assert cancelled(**changes) == perm_ids


def test_every_order_that_stays_says_why() -> None:
    kept = {each.order.perm_id: each.kept for each in decide(EVERY, settings(cancel="own", owner_client_ids=[5]))}
    assert "typed into TWS" in kept[12]
    assert "typed into TWS" in kept[13]
    assert "of client 7" in kept[14]
    assert kept[15].startswith("GTC: it stays")
    assert kept[16].startswith("GTD: it stays")
    assert kept[11] == ""


# what TWS ends together stays together

TAKER = replace(MINE, perm_id=31, order_id=21, oca_group="G")
STOP = replace(MINE, perm_id=32, order_id=22, oca_group="G", tif="GTC", order_type="STP")


def kept(*orders: OpenOrder, **changes: Any) -> dict[int, str]:
    """permId -> why, of those that stay."""
    return {
        each.order.perm_id: each.kept for each in decide(orders, settings(owner_client_ids=[5], **changes)) if each.kept
    }


def test_an_oca_group_with_a_kept_stop_stays_whole_and_says_for_whose_sake() -> None:
    found = kept(TAKER, STOP, MINE)
    assert found.keys() == {31, 32}
    assert f"take along what stays: {STOP}" in found[31]
    assert kept(TAKER, STOP, include_gtc=True) == {}


def test_only_the_order_that_the_policy_would_cancel_is_called_bound() -> None:
    bound = {each.order.perm_id: each.bound for each in decide([TAKER, STOP, MINE], settings(owner_client_ids=[5]))}
    assert bound == {31: True, 32: False, 11: False}


def test_another_clients_order_in_the_group_keeps_ours() -> None:
    assert kept(TAKER, replace(STOP, tif="DAY", client_id=7)).keys() == {31, 32}


def test_a_group_of_that_name_in_another_account_is_another_group() -> None:
    assert kept(TAKER, replace(STOP, account="DU9000002")).keys() == {32}


@pytest.mark.parametrize("good_till", [1, 2, 3])
def test_a_bracket_with_one_order_that_stays_stays_whole(good_till: int) -> None:
    parent = replace(MINE, perm_id=1, order_id=41)
    family = [parent, *(replace(MINE, perm_id=p, order_id=40 + p, parent_id=41) for p in (2, 3))]
    mixed = [replace(order, tif="GTC") if order.perm_id == good_till else order for order in family]
    assert kept(*mixed).keys() == {1, 2, 3}
    assert kept(*family) == {}


def test_siblings_whose_parent_has_filled_are_still_one_bracket() -> None:
    taker, exit_stop = (replace(MINE, perm_id=p, order_id=40 + p, parent_id=41) for p in (2, 3))
    assert kept(taker, replace(exit_stop, tif="GTC")).keys() == {2, 3}


def test_what_is_tied_to_what_is_tied_stays_too() -> None:
    """A GTC stop keeps its OCA group, and one of that the bracket it is the parent of."""
    child = replace(MINE, perm_id=33, order_id=50, parent_id=TAKER.order_id)
    assert kept(child, TAKER, STOP).keys() == {31, 32, 33}


def test_orders_typed_into_tws_are_no_bracket_of_each_other() -> None:
    typed = [replace(TYPED, perm_id=p) for p in (1, 2)]
    assert [each.bound for each in decide(typed, settings(cancel="own", owner_client_ids=[0]))] == [False, False]


def test_the_operator_reads_what_the_policy_will_do() -> None:
    assert "It cancels no order: restart.owner_client_ids is empty." in in_words(settings())
    told = in_words(settings(owner_client_ids=[5, 6]))
    assert (
        told
        == "It cancels the open orders of client ids 5, 6; good-till orders stay, and what is in one group with them."
    )
    assert "good-till" not in in_words(settings(owner_client_ids=[5], include_gtc=True))


@pytest.mark.parametrize("accounts", [("DU9000001",), ("DF123", "DU1")])
def test_a_global_cancel_is_allowed_on_paper(accounts: tuple[str, ...]) -> None:
    require_allowed(settings(cancel="all"), accounts)


@pytest.mark.parametrize("accounts", [("U1234567",), ("DU9000001", "U1234567"), ("F123",), ()])
def test_a_global_cancel_on_real_money_needs_a_person_to_have_allowed_it(accounts: tuple[str, ...]) -> None:
    with pytest.raises(PolicyRefused, match=r"restart\.allow_global_cancel"):
        require_allowed(settings(cancel="all"), accounts)
    require_allowed(settings(cancel="all", allow_global_cancel=True), accounts)


def test_other_policies_need_no_allowance() -> None:
    require_allowed(settings(cancel="own"), ("U1234567",))


def stop(action: str, kind: str = "STP", contract: Contract = ES, account: str = "DU9000001") -> OpenOrder:
    return OpenOrder(20, 5, 9, account, contract, action, kind, 1.0, "GTC", "PreSubmitted", stop_price=6000.0)


LONG, SHORT = Position("DU9000001", ES, 2.0, 6100.0), Position("DU9000001", ES, -2.0, 6100.0)


@pytest.mark.parametrize("kind", ["STP", "STP LMT", "TRAIL", "TRAIL LIMIT"])
def test_a_stop_against_a_held_future_is_protective(kind: str) -> None:
    assert protective([stop("SELL", kind)], [LONG]) == [stop("SELL", kind)]
    assert protective([stop("BUY", kind)], [SHORT]) == [stop("BUY", kind)]


@pytest.mark.parametrize(
    "order",
    [
        stop("BUY"),
        stop("SELL", "LMT"),
        stop("SELL", contract=SPY),
        stop("SELL", account="DU9000002"),
        stop("SELL", contract=replace(ES, con_id=1)),
    ],
)
def test_what_protects_no_held_future_is_not_called_protective(order: OpenOrder) -> None:
    assert protective([order], [LONG, Position("DU9000001", SPY, 100.0, 500.0)]) == []


def test_l30_with_unknown_positions_every_stop_on_a_future_may_be_protective() -> None:
    assert protective([stop("BUY"), stop("SELL", contract=SPY)], None) == [stop("BUY")]


def test_the_parent_of_a_bracket_and_one_of_an_oca_group_lead_the_rest() -> None:
    parent, child = replace(MINE, order_id=1), replace(MINE, perm_id=21, order_id=2, parent_id=1)
    first = replace(MINE, perm_id=22, order_id=3, oca_group="exit")
    second = replace(MINE, perm_id=23, order_id=4, oca_group="exit")
    assert leaders([child, parent, first, second]) == [parent, first]


def test_a_child_whose_parent_is_gone_leads_itself() -> None:
    orphan = replace(MINE, perm_id=21, order_id=2, parent_id=1)
    other_client = replace(MINE, client_id=6)
    assert leaders([orphan, other_client]) == [orphan, other_client]
