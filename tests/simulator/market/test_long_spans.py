"""Bars of many years: few looks at the market, and nothing goes on that nobody waits for."""

from datetime import timedelta
from threading import Event

import pytest
from raw_tws_client import SPY, TUESDAY, RawClient, eventually

from v6.simulator.market import bars

pytestmark = pytest.mark.integration

DECADE = "10 Y", "1 hour", 18_000  # and the least number of bars it has
TIMEOUT = 120  # seconds, for machines with much else to do


def ask(client, duration, size, request=8, end="", kept=0, regular=1):
    client.send(20, request, *SPY, 0, end, size, duration, regular, "TRADES", 1, kept, "")


def rows(fields):
    """Date, open, high, low and close of each bar of message 17."""
    return [(row[0], *map(float, row[1:5])) for row in zip(*[iter(fields[5:])] * 8, strict=True)]


@pytest.fixture
def looked(tws, monkeypatch):
    """The moments at which prices of bars have been looked at; the market stands still, and so costs nothing."""
    moments = []

    def counted(_, instant):
        moments.append(instant)
        return 690.0

    monkeypatch.setattr(tws.server.synthetic, "fair", counted)
    return moments


@pytest.fixture
def building(monkeypatch):
    """Tells of each building of bars: when it has begun, and what came of it."""
    begun, results, build = Event(), [], bars.build

    def watched(*arguments):
        begun.set()
        results.append(build(*arguments))
        return results[-1]

    monkeypatch.setattr(bars, "build", watched)
    return begun, results


def test_a_daily_bar_of_twenty_years_costs_about_ten_looks_at_the_market(raw, looked):
    client = raw()
    ask(client, "20 Y", "1 day")
    found = rows(client.until(17, TIMEOUT))
    assert len(found) > 5000
    assert len(looked) <= 12 * len(found)


@pytest.mark.parametrize("size", ["1 day", "1 week", "1 month"])
def test_long_bars_hold_their_open_and_close_and_never_change_when_finished(raw, size):
    client = raw()
    answers = []
    for duration in ("6 M", "1 Y"):
        ask(client, duration, size)
        answers.append(rows(client.until(17, TIMEOUT)))
    short, long = answers
    assert len(long) > len(short) > 5
    assert all(low <= min(first, last) <= max(first, last) <= high for _, first, high, low, last in long)
    assert short[1:-1] == long[-len(short) + 1 : -1]  # the last one goes on


def test_a_days_range_lies_within_that_of_its_hours_and_of_its_stream(raw, tws):
    client = raw()
    monday = "20261123 16:00:00 US/Eastern"
    ask(client, "1 D", "1 day", end=monday)
    ((_, first, high, low, last),) = rows(client.until(17))
    ask(client, "1 D", "1 hour", end=monday)
    hours = rows(client.until(17))
    assert (first, last) == (hours[0][1], hours[-1][4])
    assert min(hour[3] for hour in hours) <= low
    assert high <= max(hour[2] for hour in hours)
    ask(client, "1 D", "1 day", kept=1)
    client.until(17)
    tws.step_to(TUESDAY + timedelta(hours=3))
    today = client.until(90)
    client.send(1, 11, 9, *SPY, 0, "", 0, 0, "")
    streamed = {}
    while not {"6", "7"} <= streamed.keys():
        tick = client.until(1)
        streamed[tick[3]] = float(tick[4])
    assert streamed["7"] <= float(today[7]) <= float(today[6]) <= streamed["6"]


def test_bars_of_a_cancelled_request_are_built_no_further(raw, building):
    begun, results = building
    client = raw()
    ask(client, *DECADE[:2])
    assert begun.wait(5)
    client.send(25, 1, 8)
    assert client.error() == (8, 162, "Historical Market Data Service error message:API historical data query "
                              "cancelled: 8")  # fmt: skip
    assert eventually(lambda: results, 10)
    assert len(results[0]) < DECADE[2] / 2
    client.send(49, 1)
    assert client.next()[0] == "49"


def test_bars_are_built_no_further_when_their_connection_has_ended(tws, building):
    begun, results = building
    with RawClient(tws.port) as client:
        ask(client, *DECADE[:2])
        assert begun.wait(5)
    assert eventually(lambda: results, 10)
    assert len(results[0]) < DECADE[2] / 2


def test_a_request_that_takes_the_id_of_a_cancelled_one_is_answered_once(raw, building):
    begun, _ = building
    client = raw()
    ask(client, *DECADE[:2])
    assert begun.wait(5)
    client.send(25, 1, 8)
    ask(client, "1 D", "1 hour")
    assert len(rows(client.until(17, 20))) == 2
    client.send(49, 1)
    client.until(49)
    assert [frame[0] for frame in client.seen].count("17") == 1


def test_a_month_kept_up_to_date_looks_at_that_month_alone(tws, looked):
    request = bars.Request(_spy(tws), tws.server.epoch(), "10 Y", "1 month", "TRADES", True)
    bar = bars.latest(tws.server.synthetic, tws.server.hours, request)
    assert 0 < len(looked) < 23 * 12
    short = request._replace(duration="2 M")
    assert bar == bars.build(tws.server.synthetic, tws.server.hours, short)[-1]


def _spy(tws):
    from v6.simulator.instruments.contracts import underlying_listing
    from v6.simulator.instruments.underlyings import UNDERLYINGS

    return underlying_listing(UNDERLYINGS["SPY"])
