"""Backoff and the deadline, without a clock."""

from hypothesis import given
from hypothesis import strategies as st

from v6.runner.retry import delay, worth_starting

DICE = st.floats(0, 1, exclude_max=True)


def waits(dice: float, count: int = 6) -> list[float]:
    return [delay(n, base=5, factor=2, cap=60, dice=dice) for n in range(1, count + 1)]


def test_each_wait_is_twice_the_one_before_up_to_the_cap() -> None:
    assert waits(dice=0.0) == [2.5, 5, 10, 20, 30, 30]


@given(DICE)
def test_jitter_takes_off_at_most_half(dice: float) -> None:
    for wait, whole in zip(waits(dice), [5, 10, 20, 40, 60, 60], strict=True):
        assert whole / 2 <= wait <= whole


def test_an_attempt_that_could_not_end_before_the_deadline_is_not_started() -> None:
    assert worth_starting(40, wait=10, usual_seconds=30)
    assert not worth_starting(39, wait=10, usual_seconds=30)


def test_without_a_known_duration_five_seconds_must_be_left() -> None:
    assert worth_starting(15, wait=10, usual_seconds=None)
    assert not worth_starting(14.9, wait=10, usual_seconds=None)
