"""What cron starts in the same minute shares one TWS: client ids, lines, lake and journal."""

import pytest
from desk import Desk, wait_until

from v6.simulator.testing import SimulatedTWS, simulated_tws

pytestmark = pytest.mark.integration


def test_two_collectors_futures_and_health_in_the_same_minute(morning: Desk, tws: SimulatedTWS) -> None:
    compiled = morning.home / "var" / "compiled" / "calendar.txt"
    with simulated_tws(fast=False, start_at=None, calendar=compiled) as real:
        real.set(no_greeks_share=0.0)
        limits = {"quote_timeout_seconds": 9.0, "greeks_wait_seconds": 4.0}
        morning.configure({"ibkr": {"port": real.port, **limits}})
        morning.at("10:00")
        started = [
            morning.start("collect_option_snapshots", slot="10:00"),
            morning.start("collect_option_snapshots", slot="10:00", V6_TASK="collect_again"),
            morning.start("collect_futures_snapshots", slot="10:00"),
            morning.start("health_check", slot="10:00"),
        ]
        ran = [running.wait() for running in started]

        assert [one.code for one in ran] == [0, 0, 0, 0], "\n".join(one.words for one in ran)
        wait_until(lambda: real.stats.clients == 0)
        assert real.stats.peak_lines <= 95
        assert real.stats.lines == 0
        assert real.stats.breaches == 0
        assert not {100, 101, 326} & set(real.stats.errors)
    assert morning.rows("10:00").height == 24
    assert morning.rows("10:00", task="collect_again").height == 24
    assert morning.rows("10:00", "futures_snapshots", "collect_futures_snapshots").height == 3
    assert sorted(path.name for path in (morning.home / "var" / "leases").iterdir() if is_locked(path)) == []


def is_locked(path: object) -> bool:
    import fcntl

    with open(str(path), "rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False
