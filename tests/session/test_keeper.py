"""The market session's connection: proven, begun anew when that helps, and told to people."""

import asyncio
import socket
import sys
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from keeper_support import Stage, kept

from v6.gateway import client_ids, installation, watching
from v6.gateway.errors import Disconnected, LibraryUnusable
from v6.gateway.lines import LineBudget
from v6.journal import connections, database, events
from v6.model import Contract, MissReason
from v6.paths import Paths
from v6.session import live, looking
from v6.simulator.faults.model import ServerReset
from v6.simulator.testing import SimulatedTWS, simulated_tws

pytestmark = [pytest.mark.integration, pytest.mark.both_libraries]

WATCHED = frozenset({"SPY", "QQQ"})
MARKET_DATA = 1  # the request's number


@pytest.fixture
def tws() -> Iterator[SimulatedTWS]:
    with simulated_tws(fast=True) as running:
        yield running


def play(scene: Callable[[Stage], Awaitable[None]], tws: SimulatedTWS, home: Path, **settings: Any) -> Stage:
    """The scene begins when the connection has been proven once."""

    async def run() -> Stage:
        async with kept(tws.port, home, **settings) as stage:
            await stage.usable()
            await scene(stage)
        return stage

    return asyncio.run(run())


def test_a_lost_connection_is_begun_anew_and_given_up_meanwhile(tws: SimulatedTWS, home: Path) -> None:
    async def scene(stage: Stage) -> None:
        tws.drop_all()
        await stage.until(lambda: not stage.keeper.usable)
        with pytest.raises(Disconnected, match="connection lost"):
            stage.keeper.borrow("options")
        await stage.usable()
        assert stage.in_journal().client_id == stage.keeper.client_id

    stage = play(scene, tws, home)
    assert stage.changes == [True, False, True, False]
    assert tws.stats.connections == 2
    assert stage.statuses() == [
        connections.CONNECTED, connections.RECONNECTING, connections.CONNECTED, connections.WAITING
    ]  # fmt: skip


def test_what_only_another_environment_can_mend_ends_the_session_instead_of_being_tried_for_ever(
    tws: SimulatedTWS, home: Path
) -> None:
    async def run() -> None:
        wanted = next(name for name in sorted(installation.EVENT_PACKAGES) if name not in installation.look().libraries)
        stage = Stage(tws.port, home, ibkr={"library": wanted})
        with pytest.raises(LibraryUnusable, match="not installed"):
            await stage.keeper.start()
        await stage.keeper.close()

    asyncio.run(run())


def test_the_first_pause_is_kept_before_the_first_new_try(tws: SimulatedTWS, home: Path) -> None:
    async def scene(stage: Stage) -> None:
        tws.drop_all()
        await stage.until(lambda: stage.rows[-1][0] == connections.RECONNECTING)
        lost = time.monotonic()
        await stage.usable()
        assert time.monotonic() - lost >= 0.4

    play(scene, tws, home, backoff=(0.5, 60.0))


def test_a_tws_that_answers_no_more_is_left_by_a_reset_after_three_pings(tws: SimulatedTWS, home: Path) -> None:
    """L24: the socket is up all the while."""

    async def scene(stage: Stage) -> None:
        tws.set(mute_after_start=True)
        await stage.said("in doubt, 1 of 3: no answer to a ping within 0.25 s")
        assert not stage.keeper.usable
        assert tws.stats.connections == 1
        await stage.until(lambda: tws.stats.connections >= 2)
        doubts = [detail for _, _, detail in stage.rows if "in doubt" in detail]
        assert [detail[:18] for detail in doubts[:2]] == ["in doubt, 1 of 3: ", "in doubt, 2 of 3: "]
        tws.set(mute_after_start=False)
        await stage.usable()

    play(scene, tws, home, ping_seconds=0.25)


def test_one_late_answer_costs_no_connection(tws: SimulatedTWS, home: Path) -> None:
    async def scene(stage: Stage) -> None:
        tws.set(mute_after_start=True)
        await stage.said("in doubt, 1 of 3")
        tws.set(mute_after_start=False)
        await stage.usable()

    stage = play(scene, tws, home, ping_seconds=0.25)
    assert tws.stats.connections == 1
    assert stage.changes == [True, False, True, False]


def test_a_connection_whose_quotes_stand_still_is_begun_anew(tws: SimulatedTWS, home: Path) -> None:
    """L24: half dead, TWS answers every ping."""

    async def scene(stage: Stage) -> None:
        await stage.said("s ago")
        tws.set(silent=WATCHED)
        await stage.said("no quote of SPY, QQQ for 0.7 s, the market is open")
        await stage.until(lambda: stage.rows[-1][:2] == (connections.RECONNECTING, 2))
        assert tws.stats.connections == 2, "a new one without a quote is not proven, the pauses grow"
        await stage.until(lambda: stage.alerts() != [])
        [(severity, title, body)] = stage.alerts()
        assert (severity, title) == ("failure", "the market session connects, and TWS does not serve it")
        assert "no quote of SPY, QQQ" in body
        tws.set(silent=frozenset())
        await stage.usable()
        await stage.said("s ago")

    play(scene, tws, home, quote_age_seconds=0.7, backoff=(0.05, 0.05))


@pytest.mark.parametrize(
    ("fault", "words", "away"),
    [
        ({"farms_down": frozenset({"usfarm"})}, "data farms down: usfarm", "data farms down: usfarm"),
        ({"link_broken": True}, "TWS has lost IBKR", "TWS has lost IBKR"),
        ({"halted": {"*": 1}}, "SPY halted; QQQ halted", ""),
        ({"competing_session": True}, "SPY 10197", ""),
    ],
    ids=["farm down", "link broken", "halted", "competing session"],
)
def test_what_a_new_connection_would_not_mend_is_said_and_not_counted(
    fault: dict[str, Any], words: str, away: str, tws: SimulatedTWS, home: Path
) -> None:
    async def scene(stage: Stage) -> None:
        await stage.said("s ago")
        tws.set(**fault)
        await stage.said(words)
        await stage.looked(14)
        assert stage.keeper.usable
        known = stage.in_journal()
        assert (known.away.partition(" for ")[0], known.away_since is not None) == (away, bool(away))
        assert stage.rows[-1][0] == connections.CONNECTED

    play(scene, tws, home, quote_age_seconds=0.4)
    assert tws.stats.connections == 1


def test_a_host_without_a_free_line_is_said_and_not_counted(tws: SimulatedTWS, home: Path) -> None:
    others = LineBudget(home / "var" / "leases", "checks", 5)
    assert len(list(iter(others.acquire, None))) == 5

    async def scene(stage: Stage) -> None:
        await stage.said("SPY has no market data line")
        await stage.looked(8)
        assert stage.keeper.usable
        others.close()
        await stage.said("s ago")

    play(scene, tws, home, quote_age_seconds=0.1)
    assert tws.stats.connections == 1


def test_quotes_that_stand_still_after_the_close_are_no_failure(tws: SimulatedTWS, home: Path) -> None:
    async def scene(stage: Stage) -> None:
        tws.set(silent=WATCHED)
        stage.market_open = False
        await stage.looked(14)
        assert stage.rows[-1][0] == connections.CONNECTED_CLOSED

    stage = play(scene, tws, home, quote_age_seconds=0.4)
    assert tws.stats.connections == 1
    assert stage.changes == [True, False]


@pytest.mark.parametrize(
    ("how", "proof_seconds"),
    [({"data_lost": True}, 60.0), ({"dead_after_1102": True}, 0.3)],
    ids=["1101", "dead after 1102"],
)
def test_after_a_loss_of_ibkr_the_watched_quotes_are_requested_again(
    how: dict[str, Any], proof_seconds: float, tws: SimulatedTWS, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On the same connection: the socket stays while TWS has lost IBKR."""
    for module in (watching, looking):
        monkeypatch.setattr(module, "PROOF_SECONDS", proof_seconds)

    async def scene(stage: Stage) -> None:
        await stage.said("s ago")
        tws.set(server_reset=ServerReset(lost_seconds=0.6, repeat_seconds=0.25, **how))
        await stage.said("TWS has lost IBKR")
        await stage.until(lambda: tws.stats.requests[MARKET_DATA] == 4)
        await stage.said("s ago")

    stage = play(scene, tws, home, quote_age_seconds=0.5)
    assert tws.stats.connections == 1
    assert stage.changes == [True, False]


def test_quotes_kept_over_a_loss_of_ibkr_are_not_requested_again(
    tws: SimulatedTWS, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (watching, looking):
        monkeypatch.setattr(module, "PROOF_SECONDS", 0.5)

    async def scene(stage: Stage) -> None:
        await stage.said("s ago")
        tws.set(server_reset=ServerReset(lost_seconds=0.5, repeat_seconds=0.4))
        await stage.said("TWS has lost IBKR")
        await stage.said("s ago")
        await stage.looked(8)

    play(scene, tws, home)
    assert tws.stats.requests[MARKET_DATA] == 2


def test_after_all_pauses_a_person_is_told_once_and_once_that_it_is_mended(tws: SimulatedTWS, home: Path) -> None:
    async def scene(stage: Stage) -> None:
        tws.set(drop=True)
        await stage.until(lambda: stage.rows[-1][:2] == (connections.DISCONNECTED, 6))
        assert stage.rows[-1][2] == "refused"
        assert stage.in_journal().detail == "refused"
        await stage.looked(3)
        [(severity, title, body)] = stage.alerts()
        assert (severity, title) == ("failure", "the market session cannot connect")
        assert "What to do: start TWS" in body
        tws.set(drop=False)
        await stage.usable()
        await stage.until(lambda: stage.rows[-1][1] == 0)
        assert [row[:2] for row in stage.alerts()[1:]] == [("info", "the market session is connected again")]

    stage = play(scene, tws, home)
    tries = [attempts for status, attempts, _ in stage.rows if status == connections.RECONNECTING]
    assert tries == [1, 2, 3, 4, 5]


def test_a_connection_that_dies_before_it_is_proven_does_not_shorten_the_pauses(tws: SimulatedTWS, home: Path) -> None:
    """A TWS that takes every login and answers nothing: tries are not begun from the first pause again (L29)."""

    async def scene(stage: Stage) -> None:
        tws.set(mute_after_start=True)
        await stage.until(lambda: stage.rows[-1][:2] == (connections.RECONNECTING, 2))
        assert tws.stats.connections == 2

    play(scene, tws, home, ping_seconds=0.1, ping_every_seconds=0.05)


def test_a_connection_that_comes_and_goes_lengthens_the_pauses_and_is_told_until_one_holds(
    tws: SimulatedTWS, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """L29: each is proven good for a moment."""

    async def scene(stage: Stage) -> None:
        for count in (1, 2, 3):
            await stage.until(lambda: stage.rows[-1][0] == connections.CONNECTED_CLOSED)
            tws.drop_all()
            await stage.until(lambda: stage.rows[-1][1] == count, 10)  # noqa: B023 - awaited here
        assert stage.rows[-1][:2] == (connections.DISCONNECTED, 3)
        await stage.usable()
        await stage.looked(3)
        assert [row[:2] for row in stage.alerts()] == [("failure", "the market session keeps losing its connection")]
        monkeypatch.setenv("V6_CLOCK_OFFSET", "601")
        await stage.until(lambda: stage.rows[-1][1] == 0)
        assert [row[1] for row in stage.alerts()[1:]] == ["the market session is connected again"]

    play(scene, tws, home, market_open=False, backoff=(0.05, 0.05), settled=600.0)


def test_a_connection_answers_what_people_were_told_of_an_earlier_process(tws: SimulatedTWS, home: Path) -> None:
    Paths.locate().var.mkdir(parents=True)
    with closing(database.connect(Paths.locate().journal)) as db:
        for task, key in (("resume_market_session", "killed:7"), ("pre_restart", "failed:pre_restart")):
            events.raise_alert(db, severity="failure", title=f"{task} was killed", body="", task=task, key=key)

    async def scene(stage: Stage) -> None:
        await stage.looked(4)

    stage = play(scene, tws, home)
    assert [row[:2] for row in stage.alerts()[2:]] == [("info", "the market session is connected again")]


def test_a_budget_of_connections_that_is_spent_counts_like_any_failure(tws: SimulatedTWS, home: Path) -> None:
    """L29"""

    async def scene(stage: Stage) -> None:
        tws.drop_all()
        await stage.until(lambda: stage.rows[-1][1] >= 3)
        assert "connections in the last hour" in stage.rows[-1][2]

    play(scene, tws, home, ibkr={"connections_per_hour": 1})
    assert tws.stats.connections == 1


def test_a_mute_tws_does_not_delay_the_end(tws: SimulatedTWS, home: Path) -> None:
    async def scene(stage: Stage) -> None:
        tws.set(mute_after_start=True)
        await stage.said("in doubt")
        started = time.monotonic()
        await stage.keeper.close()
        assert time.monotonic() - started < 5
        assert client_ids.holders(stage.paths.leases) == []

    stage = play(scene, tws, home, ping_seconds=0.25)
    assert stage.rows[-1][0] == connections.WAITING
    assert tws.stats.clients == 0


def test_the_end_ends_what_workers_wait_for(tws: SimulatedTWS, home: Path) -> None:
    """What a signal does: collections are cut short, and say why, within moments."""

    async def scene(stage: Stage) -> None:
        await stage.said("s ago")
        tws.set(silent=frozenset({"AAPL"}))
        working = asyncio.create_task(asyncio.to_thread(collect, stage))
        await stage.until(lambda: tws.stats.lines == 3)
        started = time.monotonic()
        await stage.keeper.close()
        assert await working == [MissReason.DISCONNECTED]
        assert time.monotonic() - started < 5
        with pytest.raises(Disconnected):
            stage.keeper.borrow("options")

    def collect(stage: Stage) -> list[Any]:
        with stage.keeper.borrow("options") as share:
            quotes = share.quotes([Contract("STK", "AAPL", "SMART")], need_greeks=False, deadline_seconds=60.0)
        return [quote.reason for quote in quotes]

    play(scene, tws, home, ibkr={"quote_timeout_seconds": 60.0})
    assert tws.stats.clients == 0


@pytest.mark.parametrize("fault", ["mute_before_handshake", "mute_after_handshake"])
def test_the_end_interrupts_a_try_to_connect(fault: str, tws: SimulatedTWS, home: Path) -> None:
    tws.set(**{fault: True})

    async def run() -> Stage:
        async with kept(tws.port, home, ibkr={"connect_timeout_seconds": 60.0}) as stage:
            await stage.until(lambda: tws.stats.connections == 1)
            started = time.monotonic()
            await stage.keeper.close()
            assert time.monotonic() - started < 5
            return stage

    asyncio.run(run())
    assert tws.stats.clients == 0


def test_a_name_server_that_is_silent_does_not_delay_the_end(
    tws: SimulatedTWS, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor does it keep asyncio.run from returning."""
    asked, answered = threading.Event(), threading.Event()

    def silent(*_: object, **__: object) -> list[Any]:
        asked.set()
        answered.wait(15)
        return []

    monkeypatch.setattr(socket, "getaddrinfo", silent)

    async def run() -> None:
        async with kept(tws.port, home, ibkr={"host": "tws.example", "connect_timeout_seconds": 60.0}) as stage:
            await stage.until(asked.is_set)

    started = time.monotonic()
    asyncio.run(run())
    assert time.monotonic() - started < 10
    answered.set()


def test_a_journal_that_cannot_be_written_does_not_hurt(tws: SimulatedTWS, home: Path) -> None:
    (home / "var" / "v6.db").mkdir(parents=True)

    async def scene(stage: Stage) -> None:
        await stage.looked(3)
        assert stage.keeper.usable
        assert any("journal could not be told" in line for line in stage.log.lines)

    play(scene, tws, home)


def test_the_watched_quotes_are_in_the_live_view(tws: SimulatedTWS, home: Path) -> None:
    async def scene(stage: Stage) -> None:
        place = live.place(stage.paths)
        await stage.until(place.exists)
        await stage.until(lambda: len(_quotes(place)) == 2)
        assert {row["symbol"] for row in _quotes(place)} == WATCHED
        assert all(row["source"] == "stream" and row["bid"] < row["ask"] for row in _quotes(place))

    play(scene, tws, home)


def _quotes(place: Path) -> list[dict[str, Any]]:
    seen = live.read(place)
    assert seen is not None
    return seen.quotes
