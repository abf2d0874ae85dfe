"""Steps in order inside one limit: what time does not suffice for is cut off by force and named, never forgotten."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest

from v6.gateway.errors import Disconnected
from v6.model import FatalError
from v6.restart.preparation.graceful_shutdown import GracefulShutdown, NothingToDo, Step, Undone
from v6.restart.records.report import Outcome, StepBook


class Evening:
    """A shutdown whose steps write down when they were taken."""

    def __init__(self, seconds: float = 5.0) -> None:
        self.taken: list[str] = []
        self.reached: list[str] = []
        self.cuts = 0
        self.book = StepBook("pre_restart")
        self.shutdown = GracefulShutdown(timedelta(seconds=seconds), self.book, self._cut, self.reached.append)

    async def _cut(self) -> None:
        self.cuts += 1

    def step(self, name: str, then: Callable[[], Awaitable[str]] | None = None, *, always: bool = False) -> Step:
        async def work() -> str:
            self.taken.append(name)
            return await then() if then else f"{name} is done"

        return Step(name, work, always)

    def run(self, *steps: Step) -> None:
        asyncio.run(self.shutdown.run(steps))

    @property
    def outcomes(self) -> dict[str, Outcome]:
        return {step.name: step.outcome for step in self.book.steps}


async def sleeps_long() -> str:
    await asyncio.sleep(600)
    return "never"


def fails(error: Exception) -> Callable[[], Awaitable[str]]:
    async def work() -> str:
        raise error

    return work


def test_steps_are_taken_in_their_order_and_written_down_with_what_they_did() -> None:
    evening = Evening()
    evening.run(evening.step("save"), evening.step("cancel"), evening.step("leave"))
    assert evening.taken == evening.reached == ["save", "cancel", "leave"]
    assert [step.detail for step in evening.book.steps] == ["save is done", "cancel is done", "leave is done"]
    assert (evening.shutdown.undone, evening.cuts) == ([], 0)


def test_a_step_that_fails_is_named_and_the_next_ones_are_taken_all_the_same() -> None:
    evening = Evening()
    evening.run(evening.step("cancel", fails(Undone("1 of 3 refused"))), evening.step("leave"))
    assert evening.shutdown.undone == ["cancel: 1 of 3 refused"]
    assert evening.outcomes == {"cancel": Outcome.FAILED, "leave": Outcome.DONE}


@pytest.mark.parametrize("error", [Disconnected("TWS closed the connection"), OSError(28, "No space left on device")])
def test_what_tws_or_the_disk_do_to_a_step_is_its_failure(error: Exception) -> None:
    evening = Evening()
    evening.run(evening.step("save", fails(error)), evening.step("leave"))
    assert evening.taken == ["save", "leave"]
    assert len(evening.shutdown.undone) == 1


def test_a_step_with_nothing_to_do_is_no_failure() -> None:
    evening = Evening()
    evening.run(evening.step("hooks", fails(NothingToDo("none are configured"))))
    assert evening.outcomes == {"hooks": Outcome.SKIPPED}
    assert evening.shutdown.undone == []


def test_past_the_limit_the_step_is_cut_off_and_the_rest_reported_as_not_begun() -> None:
    evening = Evening(seconds=0.2)
    began = time.monotonic()
    evening.run(evening.step("read", sleeps_long), evening.step("cancel"), evening.step("verify"))
    assert time.monotonic() - began < 2
    assert evening.taken == ["read"]
    assert evening.cuts == 1
    assert evening.shutdown.forced
    assert [line.partition(":")[0] for line in evening.shutdown.undone] == ["read", "cancel", "verify"]


def test_what_must_be_done_is_done_after_the_limit_too() -> None:
    evening = Evening(seconds=0.1)
    evening.run(evening.step("read", sleeps_long), evening.step("save", always=True), evening.step("cancel"))
    assert evening.taken == ["read", "save"]
    assert evening.outcomes == {"read": Outcome.FAILED, "save": Outcome.DONE, "cancel": Outcome.SKIPPED}


def test_a_time_limit_of_a_step_itself_is_not_taken_for_the_whole_limit() -> None:
    evening = Evening()
    evening.run(evening.step("connect", fails(TimeoutError("no route"))), evening.step("leave"))
    assert not evening.shutdown.forced
    assert evening.shutdown.undone == ["connect: no route"]


def test_what_a_person_must_settle_ends_it_at_once() -> None:
    evening = Evening()
    with pytest.raises(FatalError, match="not allowed"):
        evening.run(evening.step("check", fails(FatalError("not allowed"))), evening.step("cancel"))
    assert evening.taken == ["check"]


def test_an_error_nobody_expected_is_not_swallowed() -> None:
    evening = Evening()
    with pytest.raises(ZeroDivisionError):
        evening.run(evening.step("check", fails(ZeroDivisionError())))
