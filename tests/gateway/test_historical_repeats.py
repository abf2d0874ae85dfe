"""What becomes of a request for bars that fails: asked again, a few times, and never lost without a word (L10)."""

import asyncio
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from v6 import clock
from v6.gateway import historical_many, historical_repeats
from v6.gateway.connection import Silent
from v6.gateway.errors import Disconnected, GatewayError, RequestError, RequestTimeout
from v6.gateway.historical_many import Answer, BarRequest, Fetch
from v6.gateway.historical_memory import ProcessMemory
from v6.gateway.historical_repeats import Repeats
from v6.model import Bar, Contract

BAR = Bar(datetime(2026, 11, 23, 14, 30, tzinfo=UTC), 1.0, 2.0, 0.5, 1.5, 100.0, 1.2, 7)
FARM_AWAY = "Historical Market Data Service error message:HMDS connection attempt failed."
PACING = "Historical Market Data Service error message:Historical data request pacing violation"
NO_RIGHTS = "No market data permissions for CME FUT"


def requests(count: int) -> list[BarRequest]:
    return [BarRequest(Contract("STK", f"S{n}", "SMART", n), "1 D", "1 day", "TRADES", True) for n in range(count)]


def timeout() -> GatewayError:
    return RequestTimeout("bars", 30.0)


def says(text: str) -> Callable[[], GatewayError]:
    return lambda: RequestError(162, text, "bars")


class TWS:
    """Fails the first requests of a symbol as told, in place of the one function that asks for bars."""

    def __init__(self, failures: dict[str, list[Callable[[], GatewayError]]]) -> None:
        self._failures = failures
        self.come = asyncio.Event()
        self.asked: Counter[str] = Counter()

    async def answer(self, _connection: Any, contract: Contract, *_rest: Any) -> list[Bar]:
        self.asked[contract.symbol] += 1
        await asyncio.sleep(0)
        if planned := self._failures.get(contract.symbol):
            raise planned.pop(0)()
        return [BAR]


class Watched:
    def __init__(self) -> None:
        self.repeats = self.looks = 0

    def failed_once(self) -> None:
        self.repeats += 1

    def waiting(self) -> None:
        self.looks += 1


@pytest.fixture
def ask(monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[dict[str, Answer], Watched]]:
    """Run a fetch of so many requests; the answers by symbol, each exactly one."""
    monkeypatch.setattr(historical_repeats, "PAUSES", (0.02, 0.02))

    def run(tws: TWS, count: int, until: float | None = None) -> tuple[dict[str, Answer], Watched]:
        monkeypatch.setattr(historical_many, "historical_bars", tws.answer)
        answers: dict[str, Answer] = {}
        watched = Watched()

        def take(request: BarRequest, answer: Answer) -> None:
            assert request.contract.symbol not in answers
            answers[request.contract.symbol] = answer

        connection: Any = SimpleNamespace(log=Silent())
        try:
            asyncio.run(Fetch(connection, take, ProcessMemory(), until, watched).run(requests(count)))
        except Disconnected:
            answers["ended"] = []
        return answers, watched

    return run


@pytest.mark.parametrize("failure", [timeout, says(FARM_AWAY)])
def test_a_request_that_fails_twice_is_asked_a_third_time_and_its_bars_come(
    ask: Callable[..., tuple[dict[str, Answer], Watched]], failure: Callable[[], GatewayError]
) -> None:
    tws = TWS({"S1": [failure, failure]})
    answers, watched = ask(tws, 3)
    assert answers == {"S0": [BAR], "S1": [BAR], "S2": [BAR]}
    assert tws.asked == {"S0": 1, "S1": 3, "S2": 1}
    assert watched.repeats == 2


def test_one_that_fails_at_every_try_ends_in_its_error_and_the_others_have_their_bars(
    ask: Callable[..., tuple[dict[str, Answer], Watched]],
) -> None:
    tws = TWS({"S0": [timeout] * 9})
    answers, _ = ask(tws, 40)
    assert isinstance(answers.pop("S0"), RequestTimeout)
    assert tws.asked["S0"] == 3
    assert set(answers) == {f"S{number}" for number in range(1, 40)}
    assert all(answer == [BAR] for answer in answers.values())


def test_what_tws_refuses_for_good_is_asked_once(ask: Callable[..., tuple[dict[str, Answer], Watched]]) -> None:
    tws = TWS({"S0": [says(NO_RIGHTS)] * 9})
    answers, watched = ask(tws, 2)
    assert isinstance(answers["S0"], RequestError)
    assert tws.asked["S0"] == 1
    assert watched.repeats == 0


@pytest.mark.parametrize("failure", [timeout, says(PACING)])
def test_one_that_waits_for_its_next_try_when_time_is_over_is_not_lost_without_a_word(
    ask: Callable[..., tuple[dict[str, Answer], Watched]],
    monkeypatch: pytest.MonkeyPatch,
    failure: Callable[[], GatewayError],
) -> None:
    monkeypatch.setattr(historical_repeats, "PAUSES", (60.0, 60.0))
    tws = TWS({"S0": [failure] * 9})
    answers, _ = ask(tws, 1, until=clock.monotonic() + 0.2)
    assert isinstance(answers["S0"], GatewayError)
    assert tws.asked["S0"] == 1


def test_answers_that_came_with_the_end_of_the_connection_are_delivered(
    ask: Callable[..., tuple[dict[str, Answer], Watched]],
) -> None:
    class AllAtOnce(TWS):
        async def answer(self, connection: Any, contract: Contract, *rest: Any) -> list[Bar]:
            self.asked[contract.symbol] += 1
            if sum(self.asked.values()) == 5:
                self.come.set()
            await self.come.wait()
            if contract.symbol == "S0":
                raise Disconnected("gone")
            return [BAR]

    tws = AllAtOnce({})
    answers, _ = ask(tws, 5)
    assert answers == {"S1": [BAR], "S2": [BAR], "S3": [BAR], "S4": [BAR], "ended": []}


def test_while_tws_is_silent_the_caller_is_looked_after(
    ask: Callable[..., tuple[dict[str, Answer], Watched]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(historical_many, "LONGEST_LOOK", 0.02)

    class Slow(TWS):
        async def answer(self, _connection: Any, contract: Contract, *_rest: Any) -> list[Bar]:
            await asyncio.sleep(0.3)
            return [BAR]

    _, watched = ask(Slow({}), 1)
    assert watched.looks >= 5


def test_a_pause_grows_and_the_first_to_fail_is_the_first_again() -> None:
    repeats: Repeats[str] = Repeats()
    assert repeats.take("a", timeout(), 100.0)
    assert repeats.take("b", timeout(), 101.0)
    assert repeats.due(104.9) is None
    assert repeats.seconds(104.0) == pytest.approx(1.0)
    assert [repeats.due(106.0), repeats.due(106.0), repeats.due(106.0)] == ["a", "b", None]
    assert repeats.seconds(106.0) is None
    assert repeats.take("a", timeout(), 110.0)
    assert repeats.due(124.9) is None
    assert repeats.due(125.0) == "a"
    assert not repeats.take("a", timeout(), 130.0)  # three tries in all
