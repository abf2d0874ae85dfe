"""The table of transitions, and the picture of it that people read."""

import re

import pytest

from v6.restart import states
from v6.restart.states import TRANSITIONS, Event, State, WrongStep, following

CHAIN = (State.NORMAL, State.PRE_RESTART, State.RESTARTING, State.RECONNECTING, State.VALIDATING, State.NORMAL)


def pictured() -> dict[tuple[State, Event], State]:
    """Every arrow of the docstring: of the chain at its head, and of the lines below it."""
    text = states.__doc__ or ""
    events = re.search(r"^ +((?:[A-Z_]+ +){4}[A-Z_]+)$", text, re.MULTILINE)
    chain = re.search(r"^ +(NORMAL ─+> .+)$", text, re.MULTILINE)
    assert events
    assert chain
    drawn = [State[name] for name in re.findall("[A-Z_]+", chain[1])]
    arrows = {(start, Event[name]): end for start, name, end in zip(drawn, events[1].split(), drawn[1:], strict=False)}
    for origins, event, target in re.findall(r"^ {4}(\S.*?) +── ([A-Z_]+) ─+> +([A-Z_]+)", text, re.MULTILINE):
        arrows.update({(origin, Event[event]): State[target] for origin in origins_of(origins)})
    return arrows


def origins_of(words: str) -> set[State]:
    named = {State[name] for name in re.findall("[A-Z_]{4,}", words)}
    return set(State) - named if words.startswith("every state") else named


def test_the_picture_shows_every_transition_and_no_other() -> None:
    assert pictured() == TRANSITIONS


def test_every_state_is_reached_and_left() -> None:
    reached = {State.NORMAL}
    while more := {end for (start, _), end in TRANSITIONS.items() if start in reached} - reached:
        reached |= more
    assert reached == set(State)
    for state in State:
        assert any(start is state and end is not state for (start, _), end in TRANSITIONS.items())


def test_normal_is_reached_from_every_state() -> None:
    back = {State.NORMAL}
    while more := {start for (start, _), end in TRANSITIONS.items() if end in back} - back:
        back |= more
    assert back == set(State)


def test_every_event_means_something() -> None:
    assert {event for _, event in TRANSITIONS} == set(Event)


def test_a_restart_as_it_should_be() -> None:
    steps = (Event.WINDOW_NEAR, Event.PREPARED, Event.TWS_BACK, Event.CONNECTED, Event.VALIDATED)
    state, seen = State.NORMAL, [State.NORMAL]
    for event in steps:
        state = following(state, event)
        seen.append(state)
    assert tuple(seen) == CHAIN


@pytest.mark.parametrize("state", State)
def test_whatever_fails_is_degraded(state: State) -> None:
    assert following(state, Event.FAILED) is State.DEGRADED


@pytest.mark.parametrize("state", sorted(set(State) - {State.NORMAL, State.DEGRADED}))
def test_whatever_stands_still_becomes_degraded_l25(state: State) -> None:
    assert following(state, Event.OVERDUE) is State.DEGRADED


@pytest.mark.parametrize("state", sorted(set(State) - {State.PRE_RESTART, State.NORMAL}))
def test_the_next_window_is_prepared_from_wherever_the_last_one_stopped(state: State) -> None:
    assert following(state, Event.WINDOW_NEAR) is State.PRE_RESTART


def test_a_step_the_table_does_not_have_is_refused_with_what_would_be_possible() -> None:
    with pytest.raises(WrongStep, match="no step validated from state pre_restart, possible: window_near, prepared"):
        following(State.PRE_RESTART, Event.VALIDATED)


def test_nothing_is_called_normal_that_was_not_validated() -> None:
    assert {event for (_, event), end in TRANSITIONS.items() if end is State.NORMAL} == {Event.VALIDATED}
