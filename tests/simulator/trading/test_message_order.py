"""The order in which TWS reports what becomes of an order, on the wire."""

import pytest
from raw_tws_client import TUESDAY, RawClient
from wire_orders import errors, order_fields, orders_only, said, statuses

from v6.simulator.testing import simulated_tws

pytestmark = pytest.mark.integration


def test_a_market_order_goes_from_presubmitted_straight_to_filled(client):
    frames = said(client, *order_fields(1, type="MKT"))
    assert orders_only(frames) == [
        ("openOrder", "PreSubmitted"), ("orderStatus", "PreSubmitted"), ("execDetails", "100"),
        ("openOrder", "Filled"), ("orderStatus", "Filled"), ("commissionReport",),
    ]  # fmt: skip


def test_a_limit_order_is_presubmitted_then_submitted(client):
    frames = said(client, *order_fields(1, limit=100))
    assert orders_only(frames) == [
        ("openOrder", "PreSubmitted"), ("orderStatus", "PreSubmitted"),
        ("openOrder", "Submitted"), ("orderStatus", "Submitted"),
    ]  # fmt: skip


def test_a_cancel_gives_the_status_and_then_error_202(client):
    said(client, *order_fields(1, limit=100))
    frames = said(client, 4, 1, 1, "")
    assert orders_only(frames) == [("orderStatus", "Cancelled"), ("error", "202")]
    assert errors(frames) == [(202, "Order Canceled - reason:")]
    assert frames[0][4] == "100", "what remained is kept"


def test_ib_refuses_with_inactive_and_then_error_201(client):
    frames = said(client, *order_fields(1, type="MKT", quantity=500_000))
    assert orders_only(frames) == [("openOrder", "Inactive"), ("orderStatus", "Inactive"), ("error", "201")]
    assert "your Equity with Loan Value [" in errors(frames)[0][1]


def test_the_permanent_id_is_in_every_message_and_unique(client):
    frames = said(client, *order_fields(1, type="MKT")) + said(client, *order_fields(2, type="MKT"))
    found = [fields[6] for fields in frames if fields[0] == "3"] + [
        fields[21] for fields in frames if fields[0] == "11"
    ]
    assert len(set(found)) == 2


@pytest.fixture
def lively(calendar):
    with simulated_tws(fast=True, start_at=TUESDAY, calendar=calendar, realistic_statuses=True) as running:
        yield running


def test_realistic_statuses_repeat_and_skip_steps(lively):
    with RawClient(lively.port) as client:
        seen = [statuses(said(client, *order_fields(number, limit=100)), number) for number in range(1, 41)]
    assert ["PreSubmitted", "Submitted"] in seen
    assert any("PreSubmitted" not in steps for steps in seen), "never skipped"
    assert any(steps.count("Submitted") == 2 or steps.count("PreSubmitted") == 2 for steps in seen), "never repeated"
    assert all(steps[-1] == "Submitted" for steps in seen)


def test_realistic_statuses_keep_execution_before_filled_and_commission_after(lively):
    with RawClient(lively.port) as client:
        for order_id in range(1, 21):
            kinds = [each[0] for each in orders_only(said(client, *order_fields(order_id, type="MKT", quantity=1)))]
            filled = [place for place, kind in enumerate(kinds) if kind == "orderStatus"]
            assert kinds.index("execDetails") < filled[-1] < kinds.index("commissionReport")


def test_an_order_without_a_tif_is_told_of_the_preset_and_goes_on(calendar):
    with (
        simulated_tws(fast=True, start_at=TUESDAY, calendar=calendar, preset_notices=True) as tws,
        RawClient(tws.port) as client,
    ):
        frames = said(client, *order_fields(1, type="MKT", tif=""))
    assert (10349, "Order TIF was set to DAY based on order preset.") in errors(frames)
    assert ("orderStatus", "Filled") in orders_only(frames)


def test_it_takes_a_moment_until_ib_has_an_order(calendar):
    with (
        simulated_tws(fast=True, start_at=TUESDAY, calendar=calendar, latency=True, submit_seconds=(0.2, 0.2)) as tws,
        RawClient(tws.port) as client,
    ):
        said(client, *order_fields(1, limit=100))
        assert not statuses(client.seen, 1)
        assert client.until(3)[2] == "PreSubmitted"


def test_a_change_while_the_order_is_on_its_way_is_refused(calendar):
    with (
        simulated_tws(fast=True, start_at=TUESDAY, calendar=calendar, latency=True, submit_seconds=(0.2, 0.2)) as tws,
        RawClient(tws.port) as client,
    ):
        client.send(*order_fields(1, limit=100))
        client.send(*order_fields(1, limit=101))
        while client.next()[:4] != ["4", "2", "1", "2102"]:
            assert not statuses(client.seen, 1), "accepted"
