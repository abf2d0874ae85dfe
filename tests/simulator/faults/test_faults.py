"""How it fails, seen from a client."""

import asyncio
import math
from dataclasses import fields
from datetime import timedelta

import pytest
from ib_insync import Option, Stock
from raw_tws_client import SPY, TUESDAY, RawClient, eventually

from v6.simulator.faults.model import Faults
from v6.simulator.faults.scenario import Scenario, ScenarioError
from v6.simulator.testing import simulated_tws

STOCK = Stock("SPY", "SMART", "USD")
tcp = pytest.mark.integration


def data(client, request=9):
    client.send(1, 11, request, *SPY, 0, "", 0, 0, "")


@tcp
def test_refused_means_the_port_is_closed_and_opens_again(tws, raw):
    tws.set(refuse=True)
    with pytest.raises(ConnectionRefusedError):
        raw()
    tws.set(refuse=False)
    assert raw().version == 178


@tcp
def test_a_refusing_port_leaves_existing_connections_alone(tws, raw):
    client = raw()
    tws.set(refuse=True)
    client.send(49, 1)
    assert client.until(49)


@tcp
def test_a_drop_resets_every_connection_and_refuses_until_it_is_over(tws, raw):
    client = raw()
    data(client)
    client.until(1)
    tws.set(drop=True)
    assert client.end() == "reset"
    with pytest.raises(ConnectionRefusedError):
        raw()
    assert tws.stats.lines == 0
    tws.set(drop=False)
    assert raw().version == 178
    assert tws.stats.drops == 1


@tcp
def test_a_proxy_with_nothing_behind_it_closes_at_once(tws, raw):
    tws.set(close_at_once=True)
    assert raw(start=False).gone()


@tcp
def test_a_stuck_gateway_accepts_and_says_nothing(tws, raw):
    tws.set(mute_before_handshake=True)
    assert raw(start=False).silent()


@tcp
def test_mute_after_the_handshake_never_gets_ready(tws, raw):
    tws.set(mute_after_handshake=True)
    client = raw(start=False)
    assert client.next()[0] == "178"
    client.send(71, 2, 5, "")
    assert client.silent()


@tcp
def test_mute_after_the_start_is_ready_and_answers_nothing(tws, raw):
    tws.set(mute_after_start=True)
    client = raw()
    while client.next()[3:4] != ["2158"]:
        pass
    client.send(49, 1)
    assert client.silent()


@tcp
def test_a_mute_gateway_also_stops_a_running_stream(tws, raw):
    client = raw()
    data(client)
    client.until(1)
    tws.set(mute_after_start=True)
    assert client.falls_silent()


@tcp
def test_ib_insync_gives_up_on_a_mute_gateway(tws, connected):
    tws.set(mute_after_handshake=True)
    with pytest.raises(asyncio.TimeoutError):
        connected(tws.port, timeout=0.5)


@tcp
def test_client_ids_can_be_taken(tws, raw):
    tws.set(client_ids_in_use=frozenset({5}))
    client = raw(start=False)
    client.next()
    client.send(71, 2, 5, "")
    assert client.error()[1] == 326
    assert raw(client_id=6).version == 178


@tcp
def test_no_account_is_an_empty_list(tws, raw):
    tws.set(no_account=True)
    client = raw(start=False)
    client.next()
    client.send(71, 2, 5, "")
    assert client.next() == ["15", "1", ""]


@tcp
@pytest.mark.parametrize("code", [354, 10089, 10168])
def test_without_a_subscription_live_data_are_refused(tws, raw, code):
    tws.set(no_subscription={"*": code})
    client = raw()
    data(client)
    assert client.error()[:2] == (9, code)
    assert tws.stats.lines == 0


@tcp
def test_one_symbol_can_lack_its_subscription(tws, raw):
    tws.set(no_subscription={"QQQ": 354})
    client = raw()
    data(client)
    assert client.until(1)


@tcp
def test_delayed_data_follow_a_warning_and_have_tick_types_of_their_own(tws, ib):
    tws.set(no_subscription={"*": 354})
    ib.reqMarketDataType(3)
    errors = []
    ib.errorEvent += lambda request, code, text, contract: errors.append(code)
    option = ib.reqContractDetails(Option("SPY", "20270115", right="C", exchange="SMART"))[200].contract
    ticker = ib.reqMktData(option, "101")
    ib.sleep(0.3)
    assert errors == [10167]
    assert ticker.marketDataType == 3
    assert ticker.ask > 0
    assert ticker.modelGreeks.impliedVol > 0


@tcp
def test_10089_does_not_end_a_stream_of_delayed_data(tws, raw):
    tws.set(no_subscription={"*": 10089})
    client = raw()
    client.send(59, 1, 3)
    data(client)
    assert [client.error()[:2] for _ in range(2)] == [(9, 10089), (9, 10167)]
    assert client.until(1)[3] in ("66", "67", "68")


@tcp
def test_delayed_data_are_fifteen_minutes_old(tws, raw):
    stock = tws.server.contracts.find(spec(), TUESDAY.date())[0]
    tws.set(no_subscription={"*": 354})
    client = raw()
    client.send(59, 1, 3)
    data(client)
    while (tick := client.until(2))[3] != "74":
        pass
    old = tws.server.feed.quote(stock, tws.server.epoch() - 900)
    assert float(tick[4]) == pytest.approx(old.volume, rel=0.001)


@tcp
def test_after_the_session_delayed_frozen_data_are_type_4(tws, raw):
    tws.step_to(TUESDAY.replace(hour=20))
    tws.set(no_subscription={"*": 354})
    client = raw()
    client.send(59, 1, 4)
    data(client)
    assert eventually(lambda: client.next()[:4:3] == ["58", "4"])
    assert client.until(1)[3] in ("66", "67", "68")


def spec():
    from v6.simulator.instruments.listings import Spec

    return Spec(symbol="SPY", sec_type="STK")


@tcp
def test_a_silent_contract_gets_its_line_and_no_tick(tws, raw):
    tws.set(silent=frozenset({"SPY"}))
    client = raw()
    data(client)
    assert client.until(81)
    assert client.silent()
    assert tws.stats.lines == 1


@tcp
def test_a_snapshot_of_a_silent_contract_still_ends(tws, raw):
    tws.set(silent=frozenset({"SPY"}))
    client = raw()
    client.send(1, 11, 9, *SPY, 0, "", 1, 0, "")
    client.until(57)
    assert "1" not in {frame[0] for frame in client.seen}


@tcp
@pytest.mark.parametrize("how", ["nan", "minus_one", "huge"])
def test_spoiled_fields_are_the_ones_real_tws_sends(tws, ib, how):
    tws.set(spoiled=frozenset({"SPY"}), spoiling=how)
    option = ib.reqContractDetails(Option("SPY", "20270115", right="C", exchange="SMART"))[200].contract
    ticker = ib.reqMktData(option)
    ib.sleep(0.3)
    model = ticker.modelGreeks
    if how == "minus_one":
        assert (ticker.bid, ticker.ask, ticker.bidSize) == (-1, -1, 0)
        assert model.impliedVol is None
        assert model.delta is None
    elif how == "nan":
        assert math.isnan(model.impliedVol)
        assert math.isnan(ticker.last)
    else:
        assert model.delta == 1.7976931348623157e308


def events(tmp_path, text):
    path = tmp_path / "scenario.yaml"
    path.write_text(f"events:\n{text}")
    return Scenario.load(path)


def test_an_event_lasts_as_long_as_it_says(tmp_path):
    scenario = events(tmp_path, '- {fault: refuse, at: "10:05", for_seconds: 60}')
    refused = [minute for minute in range(60) if scenario.at(TUESDAY.replace(minute=minute), Faults())[0].refuse]
    assert refused == [5]


def test_an_event_of_one_date_is_not_of_another(tmp_path):
    scenario = events(tmp_path, "- {fault: refuse, date: 2026-11-25}")
    assert not scenario.at(TUESDAY, Faults())[0].refuse
    assert scenario.at(TUESDAY + timedelta(days=1), Faults())[0].refuse


def test_a_drop_is_noticed_even_when_the_clock_steps_over_it(tmp_path):
    scenario = events(tmp_path, '- {fault: drop, at: "10:05", for_seconds: 60}')
    assert scenario.at(TUESDAY.replace(minute=0), Faults()) == (Faults(), [])
    assert scenario.at(TUESDAY.replace(minute=10), Faults()) == (Faults(), [("drop", True)])
    assert scenario.at(TUESDAY.replace(minute=15), Faults()) == (Faults(), [])


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("- {fault: gremlins}", "events[0].fault: 'gremlins'; allowed: refuse"),
        ("- {fault: refuse, at: 965}", "events[0].at: 965; allowed: a quoted New York time"),
        ("- {fault: refuse, when: now}", "events[0].when: unknown"),
        ("- {fault: refuse, for_seconds: -1}", "events[0].for_seconds: -1"),
        ("- {fault: silent, value: SPY}", "events[0].value: 'SPY'; allowed: a list"),
        ("- {fault: silent_share, value: much}", "events[0].value: 'much'"),
        ("- refuse", "events[0]: not a mapping"),
    ],
)
def test_a_wrong_scenario_is_refused_by_place_and_value(tmp_path, text, complaint):
    with pytest.raises(ScenarioError) as caught:
        events(tmp_path, text)
    assert complaint in str(caught.value)


@tcp
def test_a_scenario_drops_and_comes_back_on_the_simulators_clock(calendar):
    at = TUESDAY.replace(minute=4, second=59)
    with simulated_tws(fast=True, start_at=at, scenario="drop_at_1005", calendar=calendar) as tws:
        with RawClient(tws.port) as client:
            assert client.gone(5)
        assert tws.stats.drops == 1
        with pytest.raises(ConnectionRefusedError):
            RawClient(tws.port)
        tws.step_to(TUESDAY.replace(minute=10))
        tws.set()
        with RawClient(tws.port) as client:
            assert client.version == 178


def test_every_fault_is_explained():
    documented = Faults.__doc__ or ""
    assert [field.name for field in fields(Faults) if f"{field.name}:" not in documented.replace(", ", ": ")] == []
