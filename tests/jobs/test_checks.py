"""Checks that could not prove what they are asked say so, and never "ok"."""

import argparse
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from types import SimpleNamespace
from typing import Any

import psutil
import pytest
from desk import Desk
from gateway_support import ibkr, raw_tws
from hanging_up import hangs_up_at
from loguru import logger

from v6 import clock
from v6.analysis.findings import State
from v6.checks import host, tws
from v6.checks.proof import NotProven, verdicts
from v6.config.load import load
from v6.gateway.connection_budget import ConnectionBudgetSpent
from v6.gateway.errors import Disconnected, GatewayError, NoClientId, RequestError, RequestTimeout, ServerLost
from v6.gateway.verdicts import Verdict
from v6.model import Contract, DataType, MissReason, Quote, QuoteStatus
from v6.paths import Paths
from v6.runner.context import Context


@pytest.fixture
def context(desk_without_tws: Desk) -> Callable[..., Context]:
    def build(slot: datetime | None = None) -> Context:
        paths = Paths.locate()
        config = load(paths, {})
        return Context(
            task="health_check",
            slot=slot,
            args=argparse.Namespace(),
            config=config,
            paths=paths,
            log=logger,
            deadline=0.0,
            dry_run=False,
            attempt=1,
        )

    return build


def test_a_slots_run_started_by_hand_does_not_prove_that_cron_works(
    context: Callable[..., Context], desk_without_tws: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(host, "CRON_DAEMONS", frozenset({"a daemon nobody runs"}))

    found = host.cron(context(desk_without_tws.slot("10:00")))

    assert found.state is State.COULD_NOT_CHECK
    assert "no cron process found" in found.evidence


def test_a_slots_run_beside_a_cron_daemon_is_cron_at_work(
    context: Callable[..., Context], desk_without_tws: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(host, "CRON_DAEMONS", frozenset({psutil.Process().name()}))

    assert host.cron(context(desk_without_tws.slot("10:00"))).state is State.OK


class Answering:
    """A gateway whose TWS answers with one quote, and unless it is deaf with its time."""

    def __init__(self, quote: Quote, farms: dict[str, int] | None = None, *, deaf: bool = False) -> None:
        self.quote, self.farms, self.deaf = quote, farms or {"usfarm": 2104}, deaf
        self.settings = ibkr(7497)
        self.connection = SimpleNamespace(request_seconds=30.0)

    def set_market_data_type(self, number: int) -> None:
        """Nothing to set: the kind is given."""

    def quotes(self, _contracts: list[Contract], **_: Any) -> list[Quote]:
        return [self.quote]

    def current_time(self) -> datetime:
        if self.deaf:
            raise RequestTimeout("current time", self.connection.request_seconds)
        return clock.utc_now()


def quote(data_type: DataType | None = None, reason: MissReason | None = None) -> Quote:
    """A good one of that kind, or none for that reason."""
    spy = Contract("STK", "SPY", "SMART")
    good = Quote(spy, QuoteStatus.COMPLETE, clock.utc_now(), bid=600.0, ask=600.1, data_type=data_type)
    return replace(good, status=QuoteStatus.MISSING, reason=reason, bid=None, ask=None) if reason else good


def told(gateway: Answering, open_now: bool | None) -> tuple[Verdict, int]:
    """The verdict and the exit code that a run ends with."""
    try:
        tws.proven(gateway, gateway.quote, open_now)  # type: ignore[arg-type]
    except NotProven as why:
        return why.verdict, 1 if why.recoverable else 2
    return Verdict.HEALTHY, 0


@pytest.mark.parametrize(
    ("data_type", "open_now", "expected"),
    [
        (DataType.LIVE, True, (Verdict.HEALTHY, 0)),
        (DataType.LIVE, None, (Verdict.HEALTHY, 0)),
        (DataType.FROZEN, False, (Verdict.HEALTHY, 0)),
        (DataType.FROZEN, True, (Verdict.NO_MARKET_DATA, 1)),
        (DataType.DELAYED, True, (Verdict.NO_MARKET_DATA, 2)),
        (DataType.DELAYED_FROZEN, False, (Verdict.NO_MARKET_DATA, 2)),
        (None, True, (Verdict.COULD_NOT_CHECK, 1)),
        (None, False, (Verdict.HEALTHY, 0)),
    ],
)
def test_l24_in_the_session_only_data_that_tws_calls_live_are_live(
    data_type: DataType | None, open_now: bool | None, expected: tuple[Verdict, int]
) -> None:
    assert told(Answering(quote(data_type)), open_now) == expected


@pytest.mark.parametrize(
    ("reason", "verdict", "code"),
    [
        (MissReason.NO_SUBSCRIPTION, Verdict.NO_MARKET_DATA, 2),
        (MissReason.COMPETING_SESSION, Verdict.NO_MARKET_DATA, 1),
        (MissReason.NO_TICK, Verdict.NO_MARKET_DATA, 1),
        (MissReason.PACING, Verdict.COULD_NOT_CHECK, 1),
        (MissReason.NO_CONTRACT, Verdict.COULD_NOT_CHECK, 2),
        (MissReason.LINES, Verdict.NO_MARKET_DATA, 1),
        (MissReason.DISCONNECTED, Verdict.MUTE_AFTER_HANDSHAKE, 1),
        (MissReason.SERVER_LOST, Verdict.FARMS_DOWN, 1),
    ],
)
def test_why_there_is_no_quote_decides_whether_a_person_is_needed(
    reason: MissReason, verdict: Verdict, code: int
) -> None:
    """As `v6 gateway diagnose` decides it."""
    assert told(Answering(quote(reason=reason)), True) == (verdict, code)


@pytest.mark.parametrize("farm", [2103, 2119], ids=["down", "connecting"])
def test_a_silence_beside_a_farm_that_is_not_up_is_the_farms(farm: int) -> None:
    silent = quote(reason=MissReason.NO_TICK)
    assert told(Answering(silent, {"usfarm": farm}), True) == (Verdict.FARMS_DOWN, 1)


def test_a_tws_that_fell_silent_is_not_taken_for_one_without_data() -> None:
    with pytest.raises(RequestTimeout, match="within 5 s"):
        told(Answering(quote(reason=MissReason.NO_TICK), deaf=True), True)


@pytest.mark.parametrize(
    ("error", "verdict", "recoverable"),
    [
        (ServerLost("account summary", "TWS has lost IBKR"), Verdict.FARMS_DOWN, True),
        (RequestTimeout("account summary", 5.0), Verdict.MUTE_AFTER_HANDSHAKE, True),
        (Disconnected("account summary: TWS closed the connection"), Verdict.MUTE_AFTER_HANDSHAKE, True),
        (NoClientId("all 90 are leased"), Verdict.CLIENT_ID_IN_USE, True),
        (ConnectionBudgetSpent("60 of 60; the next is free at 10:41:00 EST"), Verdict.COULD_NOT_CHECK, True),
        (RequestError(321, "bad request", "account summary"), Verdict.COULD_NOT_CHECK, False),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, GatewayError) else None,
)
def test_whatever_ends_a_connection_has_a_verdict_and_a_cure(
    context: Callable[..., Context], error: GatewayError, verdict: Verdict, recoverable: bool
) -> None:
    with pytest.raises(NotProven, match=re.escape(f"{error}. What to do: ")) as told, verdicts(context()):
        raise error
    assert (told.value.verdict, told.value.recoverable) == (verdict, recoverable)


def test_a_tws_that_hangs_up_has_failed_the_health_check(
    context: Callable[..., Context], desk_without_tws: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("V6_CLOCK_FILE", str(desk_without_tws.clock_file))
    with raw_tws(hangs_up_at("current time")) as server:
        desk_without_tws.configure({"ibkr": {"port": server.port}})
        found = tws.gateway(context())
    assert (found.state, found.evidence.partition(":")[0]) == (State.FAILED, "mute after the handshake")
