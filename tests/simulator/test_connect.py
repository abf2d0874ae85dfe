"""What a client sees from its first byte until it is ready."""

import json
import socket
import struct

import pytest
from raw_tws_client import TUESDAY, RawClient, framed

from v6.simulator.testing import simulated_tws

pytestmark = pytest.mark.integration


def test_ib_insync_connects_with_its_full_start_up_sync(ib, tws):
    assert ib.isConnected()
    assert ib.client.serverVersion() == 176
    assert ib.managedAccounts() == ["DU9000001"]
    assert {value.tag for value in ib.accountValues()} >= {"NetLiquidation", "BuyingPower", "CashBalance"}
    assert len(ib.portfolio()) == len(ib.positions()) == 4
    assert tws.stats.errors.keys() <= {2104, 2106, 2158}


def test_the_start_is_accounts_then_order_id_then_farms(raw):
    client = raw(start=False)
    version, connected_at = client.next()
    assert version == "178"
    assert connected_at == "20261124 10:35:00 Eastern Standard Time"
    client.send(71, 2, 5, "")
    kinds = [client.next() for _ in range(7)]
    assert kinds[0] == ["15", "1", "DU9000001"]
    assert kinds[1] == ["9", "1", "1"]
    assert [fields[3] for fields in kinds[2:]] == ["2104", "2104", "2104", "2106", "2158"]


@pytest.mark.parametrize(("offer", "version"), [("v100..157", 157), ("v157..176", 176), ("v100..225", 178)])
def test_the_version_is_the_lower_of_both_maxima(raw, offer, version):
    assert raw(offer).version == version


@pytest.mark.parametrize("offer", ["v100..156", "v213..225", "hello"])
def test_a_client_without_a_common_version_is_refused(raw, offer):
    assert raw(offer, start=False).gone()


def test_a_client_id_in_use_gets_326_and_is_closed(raw):
    raw(client_id=7)
    second = raw(client_id=7, start=False)
    second.next()
    second.send(71, 2, 7, "")
    assert second.error()[:2] == (-1, 326)
    assert second.gone()


def test_a_client_id_is_free_again_after_its_connection_ended(raw):
    raw(client_id=7).close()
    assert raw(client_id=7).version == 178


def test_the_client_id_of_a_vanished_client_stays_occupied_for_a_while(tws, raw):
    tws.server.options.occupied_seconds = 60
    first = raw(client_id=7)
    first.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    first.close()
    second = raw(client_id=7, start=False)
    second.next()
    second.send(71, 2, 7, "")
    assert second.error()[1] == 326


def test_the_time_is_the_simulators(ib):
    assert f"{ib.reqCurrentTime():%Y-%m-%d %H:%M}" == "2026-11-24 15:35"


def test_a_request_before_start_api_is_met_with_silence_and_the_event_log_says_so(calendar, tmp_path):
    log = tmp_path / "events.jsonl"
    with simulated_tws(fast=True, start_at=TUESDAY, calendar=calendar, event_log=log) as tws:
        with RawClient(tws.port, start=False) as client:
            assert client.next()[0] == "178"
            client.send(49, 1)
            client.send(71, 2, 5, "")
            assert client.next()[0] == "15"
        notes = [json.loads(line) for line in log.read_text().splitlines()]
    early = [note for note in notes if note.get("text") == "a request before startApi"]
    assert [(note["request"], "differs" in note) for note in early] == [(49, True)]


def test_an_order_that_breaks_off_is_refused_not_swallowed(raw):
    client = raw()
    client.send(3, 55, *SPY_ORDER)
    assert client.error()[:2] == (55, 320)


SPY_ORDER = (756733, "SPY", "STK", "", "0.0", "", "", "SMART", "", "USD", "", "", "", "", "BUY", 100, "MKT")


@pytest.mark.parametrize("request_fields", [(1, 11, "x"), (1, 11), (9, 8, 5, "no number"), ("", ""), (78, 5)])
def test_a_malformed_request_is_an_error_and_not_the_end(raw, request_fields):
    client = raw()
    client.send(*request_fields)
    assert client.error()[1] in (320, 321)
    client.send(49, 1)
    assert client.until(49)[0] == "49"


def test_an_absurd_frame_length_ends_the_connection(raw):
    client = raw()
    client.socket.sendall(b"\xff\xff\xff\xff")
    assert client.gone()


def test_a_request_in_two_packets_is_one_request(raw):
    client = raw()
    whole = framed(49, 1)
    client.socket.sendall(whole[:5])
    client.socket.sendall(whole[5:])
    assert client.until(49)


def test_several_accounts_are_listed_and_asked_for_one_by_one(connected, calendar):
    from v6.simulator.testing import simulated_tws

    with simulated_tws(fast=True, accounts=("DU9000001", "DU9000002"), calendar=calendar) as tws:
        ib = connected(tws.port)
        assert ib.managedAccounts() == ["DU9000001", "DU9000002"]
        assert {position.account for position in ib.positions()} == {"DU9000001", "DU9000002"}


def test_account_ids_that_could_be_real_are_refused():
    from v6.simulator.options import Options

    assert Options(accounts=("DU9000001", "DF9000002")).accounts
    for account in ("U1234567", "DU1234567", "DU90000011", "DU900000x"):
        with pytest.raises(ValueError, match="cannot be real"):
            Options(accounts=(account,))


def test_no_socket_stays_behind(tws):
    for number in range(5):
        RawClient(tws.port, client_id=number).close()
    assert tws.port
    tws.stop()
    assert tws.stats.clients == 0
    assert tws.stats.connections == 5
