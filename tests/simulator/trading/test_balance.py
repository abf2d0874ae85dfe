"""Many orders of every kind at random: executions, orders, positions and cash must agree afterwards."""

import random

import pytest
from raw_tws_client import TUESDAY, RawClient
from wire_orders import order_fields, said

from v6.simulator.testing import simulated_tws

pytestmark = pytest.mark.integration
ACCOUNT = "DU9000001"


def random_terms(draw: random.Random, market: float) -> dict:
    kind = draw.choice(
        ("MKT", "LMT", "LMT", "STP", "STP LMT", "TRAIL", "TRAIL LIMIT", "MIT", "LIT", "REL", "MTL", "MOC")
    )
    terms = {
        "type": kind, "action": draw.choice(("BUY", "SELL")), "quantity": draw.choice((1, 100, 700, 5000)),
        "tif": draw.choice(("DAY", "GTC", "IOC", "FOK")), "oca": draw.choice((*[""] * 6, "A", "B")),
        "oca_type": draw.choice((1, 2, 3)), "aon": draw.choice((0, 0, 1)), "model": draw.choice(("", "M")),
    }  # fmt: skip
    if kind in ("LMT", "STP LMT", "LIT", "REL"):
        terms["limit"] = round(market + draw.uniform(-3, 3), 2)
    if kind in ("STP", "STP LMT", "MIT", "LIT"):
        terms["aux"] = round(market + draw.uniform(-3, 3), 2)
    if kind in ("TRAIL", "TRAIL LIMIT"):
        terms |= {"aux": draw.choice((0.01, 0.5)), "offset": 0.05}
    return terms


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_executions_orders_positions_and_cash_agree(calendar, seed):
    draw = random.Random(seed)
    with (
        simulated_tws(fast=True, start_at=TUESDAY, calendar=calendar, margins=False) as tws,
        RawClient(tws.port) as client,
    ):
        server = tws.server
        market = server.books.mark(server.books.holdings(ACCOUNT, server.epoch())[0].listing, server.epoch())
        cash = server.books.total_cash(ACCOUNT)
        for order_id in range(1, 81):
            terms = random_terms(draw, market)
            if draw.random() < 0.3 and order_id > 1:
                terms |= {"parent": draw.randrange(1, order_id), "oca": ""}
            client.send(*order_fields(order_id, transmit=int(draw.random() > 0.2), **terms))
            if draw.random() < 0.3:
                client.send(*order_fields(draw.randrange(1, order_id + 1), **random_terms(draw, market)))
            if draw.random() < 0.2:
                client.send(4, 1, draw.randrange(1, order_id + 1), "")
        said(client)
        tws._call(server.trading.floor.look)
        tws._call(server.trading.floor.look)
        said(client, 58, 1)

        assert server.defects == []
        assert server.trading.blotter.by_contract() == {}, "everything has been cancelled"
        done = server.trading.archive.executions
        orders = {ticket.perm_id: ticket for ticket in server.trading.archive.orders}
        assert len(done) > 10
        for perm_id, ticket in orders.items():
            mine = [each.execution for each in done if each.execution.perm_id == perm_id]
            assert sum(each.shares for each in mine) == ticket.filled <= ticket.order.total_quantity
            assert ticket.filled + ticket.remaining == ticket.order.total_quantity
            assert [each.cumulative for each in mine] == sorted(each.cumulative for each in mine)
        sides = {"BOT": 1, "SLD": -1}
        moved = sum(sides[each.execution.side] * each.execution.shares for each in done)
        spent = sum(sides[each.execution.side] * each.execution.shares * each.execution.price for each in done)
        paid = sum(each.report.commission for each in done)
        assert server.books.quantity(ACCOUNT, 756733, server.epoch()) == 100 + moved
        assert server.books.total_cash(ACCOUNT) == pytest.approx(cash - spent - paid)
        assert len({each.execution.exec_id for each in done}) == len(done)


NONSENSE = ["", "nan", "inf", "-inf", "-1", "1e308", "1e18", "0", "0.5", "text", "2147483647", "1.7976931348623157E308"]


@pytest.mark.parametrize(
    "field", ["quantity", "limit", "aux", "trail_stop", "percent", "offset", "parent", "oca_type", "aon"]
)
def test_nonsense_in_a_number_of_an_order_is_answered_and_hurts_nothing(calendar, field):
    with simulated_tws(fast=True, start_at=TUESDAY, calendar=calendar) as tws, RawClient(tws.port) as client:
        order_id = 0
        for kind in ("MKT", "LMT", "STP LMT", "TRAIL", "TRAIL LIMIT"):
            for value in NONSENSE:
                order_id += 1
                terms = {"type": kind, "limit": 100, "aux": 1, "quantity": 1, "tif": "DAY"} | {field: value}
                frames = said(client, *order_fields(order_id, **terms))
                assert any(fields[0] in ("3", "4", "5") for fields in frames), (kind, value)
        tws._call(tws.server.trading.floor.look)
        assert tws.server.defects == []
