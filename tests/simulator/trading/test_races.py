"""What crosses on the way to IB: cancels and changes that come too late, changes that IB refuses."""

import subprocess
import sys

import pytest
from raw_tws_client import TUESDAY, RawClient
from wire_orders import errors, order_fields, said, statuses

from v6.simulator.testing import simulated_tws

pytestmark = pytest.mark.integration
FILL = {"do": "fill", "client": 5, "order": 1, "price": 100}


@pytest.fixture
def slow(calendar):
    with simulated_tws(
        fast=True, start_at=TUESDAY, calendar=calendar, latency=True, submit_seconds=(0.3, 0.3)
    ) as running:
        yield running


@pytest.fixture
def waiting(slow):
    """A client whose order 1 has been submitted."""
    with RawClient(slow.port) as client:
        client.send(*order_fields(1, limit=100))
        while client.until(3)[2] != "Submitted":
            pass
        yield client


def test_an_order_that_fills_while_its_cancel_is_on_the_way_stays_filled(slow, waiting):
    waiting.send(4, 1, 1, "")
    said(waiting)
    slow.control(FILL)
    assert waiting.until(3)[2] == "Filled"
    assert waiting.error() == (1, 10148, "OrderId 1 that needs to be cancelled cannot be cancelled, state: Filled.")


def test_a_part_that_fills_while_the_cancel_is_on_the_way_counts(slow, waiting):
    waiting.send(4, 1, 1, "")
    said(waiting)
    slow.control(FILL | {"quantity": 30})
    partly = waiting.until(3)
    assert (partly[2], partly[3]) == ("PendingCancel", "30")
    ended = waiting.until(3)
    assert (ended[2], ended[3], ended[4]) == ("Cancelled", "30", "70")


def test_a_change_that_comes_after_the_fill_is_refused(slow, waiting):
    waiting.send(*order_fields(1, limit=101))
    said(waiting)
    slow.control(FILL)
    assert waiting.error() == (1, 104, "Cannot modify a filled order.")


def test_a_change_that_comes_after_the_end_is_refused(slow, waiting):
    waiting.send(4, 1, 1, "")
    assert [code for code, _ in errors(said(waiting, *order_fields(1, limit=101)))] == [2102]
    assert waiting.until(3)[2] == "Cancelled"


def test_a_change_beyond_the_means_is_refused_and_the_order_goes_on_as_it_was(client):
    said(client, *order_fields(1, limit=100))
    frames = said(client, *order_fields(1, limit=100, quantity=500_000))
    assert [code for code, _ in errors(frames)] == [201]
    (shown,) = (fields for fields in said(client, 5, 1) if fields[0] == "5")
    assert shown[14] == "100", "the quantity it had"


def test_a_change_of_quantity_may_not_fall_below_what_has_filled(client, tws):
    said(client, *order_fields(1, limit=100))
    tws.control(FILL | {"quantity": 60})
    assert [code for code, _ in errors(said(client, *order_fields(1, limit=100, quantity=50)))] == [105]
    frames = said(client, *order_fields(1, limit=100, quantity=80))
    assert [fields[4] for fields in frames if fields[0] == "3"][-1] == "20"


def test_a_parent_id_cannot_be_changed(client):
    said(client, *order_fields(1, limit=100))
    said(client, *order_fields(2, limit=100))
    assert [code for code, _ in errors(said(client, *order_fields(2, limit=100, parent=1)))] == [10341]


def test_a_changed_limit_goes_to_the_end_of_the_queue(client, tws):
    said(client, *order_fields(1, limit=100))
    (ticket,) = tws.server.trading.blotter.open
    assert ticket.resting
    ticket.ahead, ticket.queued_at = 7.0, 100.0
    said(client, *order_fields(1, limit=101))
    assert ticket.queued_at != 100.0
    assert statuses(client.seen, 1)[-1] == "Submitted"


def test_a_state_file_that_is_not_ours_ends_the_process_with_its_reason(tmp_path):
    state = tmp_path / "state.json"
    state.write_text("{}", encoding="utf-8")
    ended = subprocess.run(
        [sys.executable, "-m", "v6.simulator", "--port", "0", "--state", str(state)], capture_output=True, text=True,
        timeout=60, check=False,
    )  # fmt: skip
    assert ended.returncode == 2
    assert f"{state}: not a state file of the simulator" in ended.stderr
