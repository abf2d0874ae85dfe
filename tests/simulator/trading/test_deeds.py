"""What is done to the books without a client: orders placed for one that is not connected, trades from elsewhere."""

import pytest
from raw_tws_client import RawClient, eventually
from wire_orders import said

from v6.simulator.control.arguments import ControlError

pytestmark = pytest.mark.integration

GTC = {"symbol": "SPY", "action": "BUY", "quantity": 10, "limit": 400, "tif": "GTC"}


def orders(tws):
    return tws.control({"do": "orders"})["orders"]


def test_an_order_of_a_client_that_is_not_connected_is_shown_to_all_and_told_to_its_own(tws, client):
    answer = tws.control({"do": "place", "client": 7, "order": 41, **GTC})

    assert answer["perm_id"] > 0
    assert [each["client"] for each in orders(tws)] == [7]
    shown = [fields for fields in said(client, 16, 1) if fields[0] == "5"]
    assert [fields[1] for fields in shown] == ["41"]
    with RawClient(tws.port, client_id=7) as owner:
        assert [fields for fields in owner.seen if fields[0] == "9"] == [["9", "1", "42"]]
        owner.send(4, 1, 41, "")
        assert owner.until(3)[1:3] == ["41", "Cancelled"]


def test_an_order_in_flight_raises_the_next_id_is_nobodys_yet_and_a_restart_loses_it(tws, client):
    tws.control({"do": "place", "client": 7, "order": 41, **GTC})
    tws.control({"do": "place", "client": 7, "order": 45, "in_flight": True, **GTC})

    assert tws.server.trading.next_id() == 46
    assert [fields[1] for fields in said(client, 16, 1) if fields[0] == "5"] == ["41"]
    tws.control({"do": "restart", "refused_seconds": 0, "mute_seconds": 0, "farm_seconds": 0})
    assert tws.server.trading.next_id() == 42
    assert [each["order"] for each in orders(tws)] == [41]


def test_without_a_client_it_is_typed_into_tws(tws):
    answer = tws.control({"do": "place", **GTC})

    assert answer["order_id"] == 0
    assert [each["client"] for each in orders(tws)] == [0]


def test_an_order_placed_for_a_client_is_filled_and_its_position_is_there(tws):
    tws.control({"do": "place", "client": 7, "order": 41, **GTC})
    tws.control({"do": "fill", "client": 7, "order": 41, "quantity": 4, "price": 400})

    assert orders(tws)[0]["remaining"] == 6
    assert tws.server.books.quantity("DU9000001", 756733, tws.server.epoch()) == 104


def test_a_trade_from_elsewhere_changes_the_position_and_makes_no_execution(tws, client):
    client.send(61, 1)  # positions, and their changes
    client.until(62)
    answer = tws.control({"do": "trade", "symbol": "SPY", "quantity": -60, "price": 650})

    assert answer["quantity"] == 40
    assert client.until(61)[14] == "40"
    assert not [fields for fields in said(client, 7, 3, 9, 0, "", "", "", "", "", "") if fields[0] == "11"]


@pytest.mark.parametrize(
    ("request_", "words"),
    [
        ({"do": "place", "client": 7, "order": 0, **GTC}, "order: 0; allowed: an id above"),
        ({"do": "place", "client": "x", **GTC}, "client: 'x'; allowed: a whole number"),
        ({"do": "place", "client": 7, "in_flight": 1, **GTC}, "in_flight: 1; allowed: true or false"),
        ({"do": "place", "client": 7, **GTC, "tif": "NEVER"}, "tif: 'NEVER'; allowed: "),
        ({"do": "trade", "symbol": "SPY", "quantity": 0}, "quantity: 0.0; allowed: a number above or below 0"),
        ({"do": "trade", "symbol": "SPY", "quantity": 1, "limit": 3}, "limit: unknown; allowed: con_id, symbol"),
        ({"do": "set", "faults": {"orders_placed": {}}}, "faults.orders_placed: {}; allowed: a list of mappings of"),
        ({"do": "set", "faults": {"orders_placed": [{"side": 1}]}}, "faults.orders_placed[0].side: 1; allowed: con_id"),
    ],
)
def test_what_cannot_be_done_is_refused_with_what_is_allowed(tws, request_, words):
    with pytest.raises(ControlError) as refused:
        tws.control(request_)
    assert words in str(refused.value)


def test_an_order_that_tws_would_refuse_is_said_and_the_rest_of_the_scenario_happens(tws):
    said_: list[str] = []
    tws._call(lambda: tws.server.troubles.console.start(said_.append, tws.server.faults))
    tws.set(orders_placed=({**GTC, "client": 7, "order": 5, "quantity": 0}, {**GTC, "client": 7, "order": 6}))

    assert eventually(lambda: [each["order"] for each in orders(tws)] == [6])
    assert any("orders_placed: quantity: 0; allowed: a number above 0" in line for line in said_)
