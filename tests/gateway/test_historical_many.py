"""Many requests for bars on one connection, against the simulated TWS's own pacing."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from v6 import clock
from v6.gateway.client import Gateway
from v6.gateway.errors import Disconnected, RequestError
from v6.gateway.historical_many import Answer, BarRequest
from v6.gateway.historical_pacing import Ask, BackOff
from v6.model import Contract
from v6.simulator.testing import SimulatedTWS, simulated_tws

pytestmark = pytest.mark.integration

SPY = Contract("STK", "SPY", "SMART", 756733)
NOBODY = Contract("STK", "NOBODY", "SMART")
NOON = datetime(2026, 11, 23, 17, 0, tzinfo=UTC)


def daily(contract: Contract = SPY, days: int = 2, **changes: object) -> BarRequest:
    return BarRequest(contract, f"{days} D", "1 day", "TRADES", True, **changes)  # type: ignore[arg-type]


def small(number: int) -> BarRequest:
    return BarRequest(SPY, "60 S", "30 secs", "TRADES", True, NOON - timedelta(minutes=number))


class Answers(dict[BarRequest, Answer]):
    def take(self, request: BarRequest, answer: Answer) -> None:
        assert request not in self
        self[request] = answer


class Forgetful:
    """Lets everything through, as a program would that does not know the rules."""

    def reserve(self, ask: Ask) -> float:
        return 0.0


def test_each_request_gets_its_own_bars_and_a_refused_one_its_error(
    tws: SimulatedTWS, gateway: Callable[..., Gateway]
) -> None:
    answers = Answers()
    wanted = [daily(days=days) for days in range(1, 13)]
    with gateway(tws.port) as gw:
        assert gw.historical_bars_many([*wanted, daily(NOBODY)], answers.take) == 13

    refused = answers.pop(daily(NOBODY))
    assert isinstance(refused, RequestError)
    assert refused.code == 200
    counts = {request.duration: len(bars) for request, bars in answers.items() if isinstance(bars, list)}
    assert counts == {f"{days} D": days for days in range(1, 13)}


def test_nothing_leaves_after_the_time_limit(tws: SimulatedTWS, gateway: Callable[..., Gateway]) -> None:
    answers = Answers()
    with gateway(tws.port) as gw:
        assert gw.historical_bars_many([daily()], answers.take, until=clock.monotonic()) == 0
    assert answers == {}


def test_a_lost_connection_is_raised_and_what_came_before_was_delivered(gateway: Callable[..., Gateway]) -> None:
    answers = Answers()
    with simulated_tws(historical_pacing=True) as tws, gateway(tws.port) as gw:

        def take(request: BarRequest, answer: Answer) -> None:
            answers.take(request, answer)
            if len(answers) == 3:
                tws.drop_all()

        with pytest.raises(Disconnected):
            gw.historical_bars_many([daily(days=days) for days in range(1, 40)], take)
    assert 3 <= len(answers) < 39


def test_small_bars_keep_the_rules_of_a_tws_that_enforces_them(gateway: Callable[..., Gateway]) -> None:
    answers = Answers()
    with simulated_tws(historical_pacing=True) as tws, gateway(tws.port) as gw:
        began = clock.monotonic()
        gw.historical_bars_many([small(number) for number in range(11)], answers.take)
        took = clock.monotonic() - began

    assert all(isinstance(answer, list) for answer in answers.values())
    assert len(answers) == 11
    assert took >= 4  # five in two seconds, five in the next two, and one


def test_a_pacing_violation_pauses_and_is_asked_again(
    gateway: Callable[..., Gateway], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(BackOff, "FIRST", 2.1)
    answers = Answers()
    with simulated_tws(historical_pacing=True) as tws, gateway(tws.port) as gw:
        wanted = [small(number) for number in range(8)]
        assert gw.historical_bars_many(wanted, answers.take, memory=Forgetful()) == 8
        asked = tws.stats.requests[20]

    assert asked > 8  # some were refused at first
    assert all(isinstance(answer, list) for answer in answers.values())
