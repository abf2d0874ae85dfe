"""What clients leave behind when they have gone: nothing, and no memory over an hour's worth of them."""

import gc
import os
from collections import Counter

import pytest
from raw_tws_client import TUESDAY, eventually
from soak_load import listed, one_round, rss_under_load

from v6.simulator.lines import Line
from v6.simulator.requests.account_updates import Updates
from v6.simulator.requests.streams import Sent, Stream
from v6.simulator.session import Session
from v6.simulator.testing import simulated_tws

pytestmark = pytest.mark.integration

ROUNDS = 12
# an hour of 100 streams at 4 updates a second, in the time that 600 lines need for them
HOUR_OF_UPDATES = 100 * 4 * 3600
SOAK_CONNECTIONS, SOAK_LINES = 4, 150
GROWTH_MB = 6.0


def alive(classes: tuple[type, ...]) -> Counter[str]:
    gc.collect()
    return Counter(type(each).__qualname__ for each in gc.get_objects() if isinstance(each, classes))


@pytest.mark.parametrize(
    ("refresh_seconds", "classes"),
    # a timer holds on to its stream until its time has come, not to what was sent
    [(0.05, (Session, Line, Stream, Sent, Updates)), (180.0, (Line, Sent, Updates))],
)
def test_clients_that_have_gone_leave_no_object_behind(refresh_seconds, classes):
    with simulated_tws(fast=True, start_at=TUESDAY, refresh_seconds=refresh_seconds, profit_seconds=0.05) as tws:
        con_ids = listed(tws.port)
        for number in range(ROUNDS):
            one_round(tws.port, number, con_ids)
        assert tws.stats.connections == ROUNDS + 1
        assert eventually(lambda: not alive(classes), 10), alive(classes)
        assert tws.server.lines.used == 0


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_memory_stays_flat_over_an_hour_of_load(tmp_path):
    seconds = float(os.environ.get("SOAK_MEMORY_SECONDS", HOUR_OF_UPDATES / (SOAK_CONNECTIONS * SOAK_LINES * 4)))
    samples, stats = rss_under_load(tmp_path, seconds, SOAK_CONNECTIONS, SOAK_LINES)
    warm, last = samples[len(samples) // 2 :][:30], samples[-30:]
    growth = sum(last) / len(last) - sum(warm) / len(warm)
    print(f"{stats['messages_sent']} messages, {stats['rounds']} rounds, {samples[-1]:.1f} MB, {growth:+.1f} MB")
    assert growth < GROWTH_MB, samples[:: max(len(samples) // 40, 1)]
