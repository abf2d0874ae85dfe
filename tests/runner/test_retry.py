"""Backoff and the deadline, without a clock."""

from hypothesis import given
from hypothesis import strategies as st

from v6.runner.retry import delay, worth_starting
from v6.scheduler.compiled import Task

DICE = st.floats(0, 1, exclude_max=True)


def waits(dice: float, jitter: float = 0.5, factor: float = 2.0) -> list[float]:
    task = Task(backoff_base=5.0, backoff_factor=factor, backoff_cap=60.0, backoff_jitter=jitter)
    return [delay(task, failed, dice) for failed in range(1, 7)]


def test_each_wait_is_twice_the_one_before_up_to_the_cap() -> None:
    assert waits(dice=0.0) == [2.5, 5, 10, 20, 30, 30]


@given(DICE)
def test_jitter_takes_off_at_most_half(dice: float) -> None:
    for wait, whole in zip(waits(dice), [5, 10, 20, 40, 60, 60], strict=True):
        assert whole / 2 <= wait <= whole


@given(DICE)
def test_without_jitter_nothing_is_left_to_chance(dice: float) -> None:
    assert waits(dice, jitter=0.0) == [5, 10, 20, 40, 60, 60]


def test_with_jitter_1_a_wait_may_be_nothing() -> None:
    assert waits(dice=0.0, jitter=1.0) == [0] * 6


def test_a_factor_of_1_waits_the_same_each_time() -> None:
    assert waits(dice=0.0, jitter=0.0, factor=1.0) == [5] * 6


def test_an_attempt_that_could_not_end_before_the_deadline_is_not_started() -> None:
    assert worth_starting(40, wait=10, usual_seconds=30)
    assert not worth_starting(39, wait=10, usual_seconds=30)


def test_without_a_known_duration_five_seconds_must_be_left() -> None:
    assert worth_starting(15, wait=10, usual_seconds=None)
    assert not worth_starting(14.9, wait=10, usual_seconds=None)
