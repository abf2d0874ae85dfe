"""Which slots the market session claims and collects, beside another holder of the same claims."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import cast

import pytest

from v6.clock import NEW_YORK
from v6.runner.slot_claims import SlotClaims
from v6.session.cycle import Cycle
from v6.session.turns import Turns

OPEN = datetime(2026, 11, 20, 9, 30, tzinfo=NEW_YORK)
PLANNED = tuple(OPEN + timedelta(minutes=5 * number) for number in range(6))
FIRST, SECOND, THIRD = PLANNED[:3]
SECOND_LATER = timedelta(seconds=1)


class Work:
    """A cycle that runs until the test ends it; its claim falls then."""

    def __init__(self, slot: datetime, claims: SlotClaims) -> None:
        self.slot = slot
        self.claims = claims
        self.running = True
        self.stuck = False

    def end(self) -> None:
        self.running = False
        self.claims.give_up(self.slot)


@pytest.fixture
def begun() -> list[Work]:
    return []


@pytest.fixture
def turns(home: Path, begun: list[Work]) -> Iterator[Turns]:
    def begin(slot: datetime, claims: SlotClaims) -> Cycle:
        begun.append(Work(slot, claims))
        return cast("Cycle", begun[-1])

    made = Turns(SlotClaims(home, "collect"), begin)
    yield made
    made.close()


@pytest.fixture
def cron(home: Path) -> Iterator[SlotClaims]:
    """Another holder of claims on the same task's slots."""
    with SlotClaims(home, "collect") as claims:
        yield claims


@pytest.fixture
def look(turns: Turns) -> Callable[..., None]:
    return lambda now, usable=True: turns.look(PLANNED, now, usable=usable)


def test_the_next_slot_is_claimed_ahead_and_collected_at_its_instant(
    turns: Turns, begun: list[Work], cron: SlotClaims, look: Callable[..., None]
) -> None:
    look(FIRST - timedelta(minutes=4))
    assert not cron.take(FIRST)
    look(FIRST - timedelta(microseconds=1))
    assert begun == []
    look(FIRST)
    assert [work.slot for work in begun] == [FIRST]
    assert turns.running
    assert not cron.take(FIRST)
    assert not cron.take(SECOND)
    begun[0].end()
    assert cron.take(FIRST)


def test_a_slot_that_somebody_else_has_is_not_collected(
    begun: list[Work], cron: SlotClaims, look: Callable[..., None]
) -> None:
    cron.take(FIRST)
    look(FIRST - SECOND_LATER)
    look(FIRST)
    cron.give_up(FIRST)
    look(FIRST + SECOND_LATER)
    assert begun == []
    look(SECOND)
    assert [work.slot for work in begun] == [SECOND]


def test_a_connection_that_fails_gives_the_claim_up_and_takes_the_next_when_it_is_back(
    turns: Turns, begun: list[Work], cron: SlotClaims, look: Callable[..., None]
) -> None:
    look(FIRST - SECOND_LATER)
    look(FIRST - SECOND_LATER / 2, usable=False)
    assert cron.take(FIRST)
    look(FIRST, usable=False)
    look(FIRST + SECOND_LATER)
    assert begun == []
    assert turns.ahead == SECOND
    turns.give_up()
    assert cron.take(SECOND)


@pytest.mark.parametrize(("late", "collected"), [(29, True), (31, False), (3600, False)])
def test_a_slot_that_passed_while_nobody_looked_is_not_collected_late(
    begun: list[Work], cron: SlotClaims, look: Callable[..., None], late: int, collected: bool
) -> None:
    look(FIRST - SECOND_LATER)
    look(FIRST + timedelta(seconds=late))
    assert bool(begun) is collected
    assert cron.take(FIRST) is not collected


def test_a_cycle_that_goes_on_leaves_the_next_slot_to_cron(
    begun: list[Work], cron: SlotClaims, look: Callable[..., None]
) -> None:
    for now in (FIRST - SECOND_LATER, FIRST, SECOND):
        look(now)
    assert [work.slot for work in begun] == [FIRST]
    assert cron.take(SECOND)
    begun[0].end()
    look(THIRD)
    assert [work.slot for work in begun] == [FIRST, THIRD]


def test_a_slot_that_is_not_planned_any_more_is_given_up(
    turns: Turns, begun: list[Work], cron: SlotClaims, look: Callable[..., None]
) -> None:
    look(FIRST - SECOND_LATER)
    turns.look(PLANNED[1:], FIRST, usable=True)
    assert begun == []
    assert cron.take(FIRST)
    assert turns.ahead == SECOND


def test_the_claim_of_a_cycle_at_work_outlives_the_turns(
    turns: Turns, begun: list[Work], cron: SlotClaims, look: Callable[..., None]
) -> None:
    look(FIRST - SECOND_LATER)
    look(FIRST)
    turns.close()
    assert not cron.take(FIRST)
    assert cron.take(SECOND)
    begun[0].end()
    assert cron.take(FIRST)


def test_after_the_last_slot_nothing_is_claimed(turns: Turns, look: Callable[..., None]) -> None:
    look(PLANNED[-1])
    assert turns.ahead is None
