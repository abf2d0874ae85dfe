"""What TWS and IB do not take, with the codes and the words of the real ones."""

import pytest
from raw_tws_client import TUESDAY, RawClient
from wire_orders import SPY, errors, order_fields, orders_only, said

from v6.simulator.testing import simulated_tws

pytestmark = pytest.mark.integration
INDEX = (416904, "SPX", "IND", "", "0.0", "", "", "CBOE", "", "USD", "", "")
UNKNOWN = (0, "ZZZZNONE", "STK", "", "0.0", "", "", "SMART", "", "USD", "", "")
NO_EXCHANGE = (756733, "SPY", "STK", "", "0.0", "", "", "", "", "USD", "", "")
AMBIGUOUS = (0, "SPY", "OPT", "", "0.0", "", "", "SMART", "", "USD", "", "")

CASES = [
    ({"type": "FEELINGS"}, 321, "Error validating request.-'bG' : cause - Invalid order type was entered"),
    ({"type": "MOO"}, 321, "Error validating request.-'bG' : cause - Invalid order type was entered"),
    ({"type": "PEG MKT", "limit": 100}, 387, "Unsupported order type for this exchange and security type."),
    ({"type": "MKT", "contract": INDEX}, 387, "Unsupported order type for this exchange and security type."),
    ({"type": "MKT", "tif": "OPG"}, 321, "Error validating request.-'bG' : cause - Invalid order type was entered"),
    ({"type": "MKT", "contract": UNKNOWN}, 200, "No security definition has been found for the request"),
    ({"type": "MKT", "contract": NO_EXCHANGE}, 321, "Error validating request.-'bG' : cause - Missing order exchange"),
    ({"type": "MKT", "action": "HOLD"}, 321, "Error validating request.-'bG' : cause - Invalid side field was entered"),
    ({"type": "MKT", "quantity": 0}, 434, "The order size cannot be zero."),
    ({"type": "MKT", "quantity": 1.5}, 10243, "Fractional-sized order cannot be placed via API. Please use desktop "
     "version to place this order."),
    ({"limit": 100.001}, 110, "The price does not conform to the minimum price variation for this contract."),
    ({"type": "STP", "aux": 100.001}, 110, "The price does not conform to the minimum price variation for this "
     "contract."),
    ({"limit": ""}, 463, "You must enter a valid price."),
    ({"type": "STP"}, 403, "Invalid stop price."),
    ({"type": "TRAIL"}, 403, "Invalid stop price."),
    ({"type": "MOC", "tif": "GTC"}, 113, "The Tif option should be set to DAY for MOC and LOC orders."),
    ({"type": "STP", "aux": 100, "tif": "IOC"}, 111, "The TIF (Tif type) and the order type are incompatible."),
    ({"limit": 100, "tif": "WEEK"}, 10052, "Invalid time in force."),
    ({"limit": 100, "account": "DU9999999"}, 321, "Error validating request.-'bG' : cause - Invalid account code "
     "'DU9999999'."),
    ({"limit": 100, "parent": 77}, 135, "Can't find order with id =77"),
]  # fmt: skip


@pytest.mark.parametrize(("terms", "code", "text"), CASES, ids=[f"{code}-{terms}" for terms, code, _ in CASES])
def test_tws_refuses_at_once_and_places_nothing(client, terms, code, text):
    frames = said(client, *order_fields(1, **terms))
    assert errors(frames) == [(code, text)]
    assert len(orders_only(frames)) == 1
    assert orders_only(said(client, 16, 1)) == []


def test_an_ambiguous_contract_is_refused_with_200(client):
    ((code, text),) = errors(said(client, *order_fields(1, type="MKT", contract=AMBIGUOUS)))
    assert code == 200
    assert "ambiguous" in text


@pytest.mark.parametrize("tif_text", [{"gat": "tomorrow"}, {"tif": "GTD", "gtd": "20261124 25:00:00"}, {"tif": "GTD"},
                                      {"tif": "GTD", "gtd": "20261124 10:00:00 US/Eastern"}])  # fmt: skip
def test_times_that_are_none_or_over_are_refused_with_391(client, tif_text):
    ((code, _),) = errors(said(client, *order_fields(1, limit=100, **tif_text)))
    assert code == 391


# ids


@pytest.mark.parametrize("order_id", [0, -3])
def test_an_id_below_one_is_invalid(client, order_id):
    assert errors(said(client, *order_fields(order_id, limit=100))) == [(10149, f"Invalid order id: {order_id}")]


def test_an_id_is_never_used_twice(client):
    said(client, *order_fields(5, limit=100))
    said(client, 4, 1, 5, "")
    assert errors(said(client, *order_fields(5, limit=100))) == [(103, "Duplicate order id")]
    assert errors(said(client, *order_fields(4, limit=100))) == [(103, "Duplicate order id")]


def test_an_order_that_has_filled_cannot_be_changed(client):
    said(client, *order_fields(5, type="MKT"))
    assert errors(said(client, *order_fields(5, type="MKT", quantity=200))) == [(104, "Cannot modify a filled order.")]


def test_the_next_valid_id_is_above_every_id_used(client):
    said(client, *order_fields(41, limit=100))
    client.send(8, 1, 1)
    assert client.until(9)[2] == "42"


# changes


@pytest.mark.parametrize(("change", "code"), [({"action": "SELL"}, 105), ({"type": "STP", "aux": 100}, 329)])
def test_side_and_type_of_an_order_cannot_change(client, change, code):
    said(client, *order_fields(1, limit=100))
    frames = said(client, *order_fields(1, **({"limit": 100} | change)))
    assert [found for found, _ in errors(frames)] == [code]
    assert ("openOrder", "Submitted") in orders_only(said(client, 5, 1)), "the order itself goes on"


def test_the_contract_of_an_order_cannot_change(client):
    said(client, *order_fields(1, limit=100))
    qqq = (320227571, "QQQ", *SPY[2:])
    assert [code for code, _ in errors(said(client, *order_fields(1, limit=100, contract=qqq)))] == [105]


# cancels


def test_cancelling_what_is_unknown_or_over_is_refused_with_the_state(client):
    assert errors(said(client, 4, 1, 999, "")) == [(10147, "OrderId 999 that needs to be cancelled is not found.")]
    said(client, *order_fields(1, type="MKT"))
    said(client, *order_fields(2, limit=100))
    said(client, 4, 1, 2, "")
    late = "that needs to be cancelled cannot be cancelled, state:"
    assert errors(said(client, 4, 1, 1, "")) == [(10148, f"OrderId 1 {late} Filled.")]
    assert errors(said(client, 4, 1, 2, "")) == [(10148, f"OrderId 2 {late} Cancelled.")]


def test_a_cancel_on_its_way_is_not_repeated(calendar):
    with (
        simulated_tws(fast=True, start_at=TUESDAY, calendar=calendar, latency=True, submit_seconds=(0.2, 0.2)) as tws,
        RawClient(tws.port) as client,
    ):
        client.send(*order_fields(1, limit=100))
        while client.until(3)[2] != "Submitted":
            pass
        client.send(4, 1, 1, "")
        client.send(4, 1, 1, "")
        assert client.error()[1:] == (10148, "OrderId 1 that needs to be cancelled cannot be cancelled, "
                                             "state: PendingCancel.")  # fmt: skip
        assert client.until(3)[2] == "Cancelled"


def test_a_global_cancel_ends_every_clients_orders_and_names_finished_ones_with_161(calendar):
    with (
        simulated_tws(fast=True, start_at=TUESDAY, calendar=calendar, realistic_statuses=True) as tws,
        RawClient(tws.port, client_id=5) as one,
        RawClient(tws.port, client_id=6) as two,
    ):
        said(one, *order_fields(1, type="MKT"))
        said(one, *order_fields(2, limit=100))
        said(two, *order_fields(3, limit=100))
        frames = said(one, 58, 1)
        assert "Cancelled" in [fields[2] for fields in frames if fields[0] == "3" and fields[1] == "2"]
        late = [text for code, text in errors(frames) if code == 161]
        assert any(
            text.startswith("Cancel attempted when order is not in a cancellable state.  Order permId =")
            for text in late
        )
        assert (202, "Order Canceled - reason:") in errors(said(two))


# switches


def test_a_read_only_api_takes_no_orders(calendar):
    text = "Error validating request.-'bW' : cause - The API interface is currently in Read-Only mode."
    with (
        simulated_tws(fast=True, start_at=TUESDAY, calendar=calendar, read_only=True) as tws,
        RawClient(tws.port) as client,
    ):
        said(client)
        for request in (order_fields(1, type="MKT"), [4, 1, 1, ""], [58, 1], [5, 1], [16, 1], [15, 1, 1], [99, 0]):
            assert errors(said(client, *request)) == [(321, text)], request


def test_several_accounts_need_an_account_in_the_order(calendar):
    accounts = ("DU9000001", "DU9000002")
    with (
        simulated_tws(fast=True, start_at=TUESDAY, calendar=calendar, accounts=accounts) as tws,
        RawClient(tws.port) as client,
    ):
        said(client)
        refusal = (436, "You must specify an allocation (either a single account, group, or profile).")
        assert errors(said(client, *order_fields(1, type="MKT"))) == [refusal]
        said(client, *order_fields(2, type="MKT", account="DU9000002"))
        now = tws.server.epoch()
        assert tws.server.books.quantity("DU9000002", 756733, now) == 200
        assert tws.server.books.quantity("DU9000001", 756733, now) == 100


@pytest.fixture
def careful(calendar):
    with simulated_tws(
        fast=True, start_at=TUESDAY, calendar=calendar, order_precautions=True, price_bands=True, orders_a_side=3,
        no_shorting=frozenset({"SPY"}),
    ) as running:  # fmt: skip
        yield running


def test_the_presets_refuse_large_sizes_values_and_prices(careful):
    with RawClient(careful.port) as client:
        said(client)
        assert errors(said(client, *order_fields(1, type="MKT", quantity=501))) == [
            (383, 'The following order "ID:1" size exceeds the Size Limit of 500. Restriction is specified in '
             "Precautionary Settings of Global Configuration/Presets.")
        ]  # fmt: skip
        ((code, text),) = errors(said(client, *order_fields(2, limit=600, quantity=400)))
        assert code == 451
        assert "value estimate of 240,000.00 USD exceeds the Total Value Limit of 100,000 USD." in text
        assert [code for code, _ in errors(said(client, *order_fields(3, limit=900, quantity=10)))] == [109]


def test_a_limit_too_far_through_the_market_is_ended_by_ib(careful):
    careful.server.options.order_precautions = False
    with RawClient(careful.port) as client:
        said(client)
        frames = said(client, *order_fields(1, limit=900, quantity=10))
    steps = [fields[2] for fields in frames if fields[0] == "3"]
    assert steps[-2:] == ["PendingCancel", "Cancelled"]
    ((code, text),) = errors(frames)
    assert code == 202
    assert text.startswith(
        "Order Canceled - reason:We cannot accept an order at a limit price at or more aggressive than 6"
    )


def test_shares_that_cannot_be_borrowed_are_not_sold_short(careful):
    with RawClient(careful.port) as client:
        said(client)
        frames = said(client, *order_fields(1, type="MKT", action="SELL", quantity=101))
        assert errors(frames) == [(201, "Order rejected - reason:The contract is not available for short sale.")]
        assert errors(said(client, *order_fields(2, type="MKT", action="SELL", quantity=100))) == []


def test_one_side_of_a_contract_takes_only_so_many_orders(careful):
    with RawClient(careful.port) as client:
        said(client)
        for order_id in (1, 2, 3):
            assert errors(said(client, *order_fields(order_id, limit=100))) == []
        ((code, text),) = errors(said(client, *order_fields(4, limit=100)))
    assert code == 201
    assert "has a minimum of 3 orders working on either the buy or sell side" in text


def test_both_sides_of_an_option_are_refused(client, tws):
    holdings = tws.server.books.holdings("DU9000001", tws.server.epoch())
    held = next(each for each in holdings if each.listing.sec_type == "OPT")
    option = (held.listing.con_id, "", "", "", "0.0", "", "", "SMART", "", "", "", "")
    assert errors(said(client, *order_fields(1, limit=0.05, quantity=1, contract=option))) == []
    ((code, text),) = errors(said(client, *order_fields(2, limit=500, quantity=1, action="SELL", contract=option)))
    assert code == 201
    assert "Cannot have open orders on both sides of the same US Option contract" in text
