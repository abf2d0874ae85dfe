"""What IBKR's nightly reset does to a run that is in the middle of its work: nothing but time."""

import argparse
from contextlib import closing
from datetime import timedelta

import pytest
from desk import Desk, wait_until
from loguru import logger

from v6 import clock
from v6.config.load import load
from v6.gateway.errors import ConnectFailed
from v6.journal import restarts
from v6.paths import Paths
from v6.runner.context import Context
from v6.simulator.faults.model import ServerReset
from v6.simulator.testing import SimulatedTWS

pytestmark = [pytest.mark.integration, pytest.mark.both_libraries]


def reset(tws: SimulatedTWS, **how: object) -> None:
    tws.set(server_reset=ServerReset(lost_seconds=5.0, repeat_seconds=1.0)._replace(**how))


def outages(desk: Desk) -> list[tuple[str, str]]:
    db = desk.journal()
    try:
        day = desk.slot("00:00")
        return [(row.kind, row.task) for row in restarts.outages(db, day, day + timedelta(days=1))]
    finally:
        db.close()


@pytest.mark.parametrize("how", [{}, {"data_lost": True}, {"dead_after_1102": True}], ids=["1102", "1101", "dead"])
def test_l24_a_slot_during_the_reset_is_complete(morning: Desk, tws: SimulatedTWS, how: dict[str, bool]) -> None:
    before = tws.stats.connections
    collecting = morning.start("collect_option_snapshots", slot="10:00")
    wait_until(lambda: tws.stats.connections > before)
    reset(tws, **how)

    ran = collecting.wait()

    assert ran.code == 0, ran.words
    line = morning.line("10:00")
    assert line is not None
    assert (line.expected, line.complete, line.state) == (24, 24, "closed")
    assert tws.stats.connections == before + 1, "one attempt, one connection"
    assert outages(morning) == [("server_lost", "collect_option_snapshots")]


def test_a_reset_that_outlasts_the_slot_is_the_reason_of_its_misses_and_worth_another_attempt(
    morning: Desk, tws: SimulatedTWS
) -> None:
    morning.configure({"scheduler": {"tasks": {"collect_option_snapshots": {"timeout_seconds": 16}}}})
    morning.configure({"ibkr": {"request_timeout_seconds": 3.0}})
    tws.set(link_broken=True)

    ran = morning.collect("10:00")

    assert ran.code == 1
    assert {miss.reason for miss in morning.misses("10:00")} == {"server_lost"}


def test_an_outage_is_one_row_for_each_connection_that_saw_it(desk_without_tws: Desk) -> None:
    for _ in range(2):
        assert desk_without_tws.run("collect_futures_snapshots", slot="10:00").code == 1
    assert outages(desk_without_tws) == [("refused", "collect_futures_snapshots")] * 2


def test_a_locked_journal_neither_fails_nor_holds_up_a_connection_that_sees_an_outage(
    desk_without_tws: Desk,
) -> None:
    words: list[str] = []
    sink = logger.add(words.append, format="{message}")
    paths = Paths.locate()
    with closing(desk_without_tws.journal()) as holder:
        holder.execute("BEGIN IMMEDIATE")
        ctx = Context("a task", None, argparse.Namespace(), load(paths, {}), paths, logger, clock.monotonic() + 60)
        started = clock.monotonic()
        with pytest.raises(ConnectFailed), ctx.gateway("checks"):
            pass
        assert clock.monotonic() - started < 3
    logger.remove(sink)
    assert any("could not be written into the journal" in said for said in words)
    assert outages(desk_without_tws) == []
