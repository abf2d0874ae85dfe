"""Checks that could not prove what they are asked say so, and never "ok"."""

import argparse
from collections.abc import Callable
from datetime import datetime
from typing import Any

import psutil
import pytest
from desk import Desk
from loguru import logger

from v6 import clock
from v6.analysis.findings import State
from v6.checks import host, tws
from v6.config.load import load
from v6.model import Contract, DataType, Quote, QuoteStatus
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


class OneQuote:
    """A gateway whose TWS answers with one quote of a kind."""

    def __init__(self, kind: DataType | None) -> None:
        self.kind = kind

    def set_market_data_type(self, number: int) -> None:
        """Nothing to set: the kind is given."""

    def quotes(self, contracts: list[Contract], **_: Any) -> list[Quote]:
        return [Quote(contracts[0], QuoteStatus.COMPLETE, clock.utc_now(), bid=600.0, ask=600.1, data_type=self.kind)]


@pytest.mark.parametrize(
    ("kind", "state"),
    [(DataType.LIVE, State.OK), (DataType.DELAYED, State.FAILED), (None, State.COULD_NOT_CHECK)],
)
def test_l24_in_the_session_only_data_that_tws_calls_live_are_live(
    context: Callable[..., Context],
    desk_without_tws: Desk,
    monkeypatch: pytest.MonkeyPatch,
    kind: DataType | None,
    state: State,
) -> None:
    monkeypatch.setenv("V6_CLOCK_FILE", str(desk_without_tws.clock_file))

    assert tws.live_data(context(), OneQuote(kind)).state is state  # type: ignore[arg-type]
