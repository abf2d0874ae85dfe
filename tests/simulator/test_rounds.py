"""Every line is looked at four times a second, not more often, whenever it was opened."""

import time

import pytest
from raw_tws_client import SPY, TUESDAY, RawClient, eventually

from v6.simulator.__main__ import options, parser
from v6.simulator.rounds import PORTIONS
from v6.simulator.testing import simulated_tws

pytestmark = pytest.mark.integration


def test_each_of_many_lines_gets_its_four_looks_a_second():
    with simulated_tws(fast=True, start_at=TUESDAY) as tws, RawClient(tws.port) as client:
        for request in range(200):
            client.send(1, 11, request, *SPY, 0, "", 0, 0, "")
        assert eventually(lambda: tws.stats.lines == 200)
        began, before = time.monotonic(), tws.stats.looks
        client.falls_silent(within=1.5)
        looks, took = tws.stats.looks - before, time.monotonic() - began
        # portions may be late by a round and are made up then; one falls on the beginning
        assert 200 < looks <= 200 * (4 * took + 1 + 1 / PORTIONS)
        for request in range(200):
            client.send(2, 2, request)
        assert eventually(lambda: tws.stats.lines == 0)
        after = tws.stats.looks
        assert client.falls_silent()
        assert tws.stats.looks <= after + 200


def test_the_programs_switches_reach_the_options():
    given = ["--speed", "60", "--no-extended-hours", "--no-historical-pacing", "--at", "2026-11-24 10:35"]
    chosen = options(parser().parse_args(given))
    assert (chosen.speed, chosen.extended_hours, chosen.historical_pacing) == (60.0, False, False)
    usual = options(parser().parse_args([]))
    assert (usual.speed, usual.extended_hours, usual.historical_pacing) == (1.0, True, True)
    assert (usual.historical_open, usual.scanners, usual.scanner_seconds) == (50, 10, 30.0)
