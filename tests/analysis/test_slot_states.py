"""Every expected slot is complete, or it is missing with a reason."""

from datetime import datetime, timedelta

from v6.analysis.slot_states import Entry, Traces, Verdict, judge, total_reasons
from v6.clock import NEW_YORK

TASK = "collect_option_snapshots"
SLOT = datetime(2026, 11, 20, 10, 0, tzinfo=NEW_YORK)
NEXT = SLOT + timedelta(minutes=5)
LATER = SLOT + timedelta(hours=3)
FULL = Entry(258, 258, 0, 0, closed=True)


def test_a_slot_with_every_contract_is_complete() -> None:
    [state] = judge([(TASK, SLOT)], {(TASK, SLOT): FULL}, Traces({}), LATER)

    assert (state.verdict, state.complete, dict(state.reasons)) == (Verdict.COMPLETE, 258, {})


def test_some_contracts_make_it_partial_and_none_missing() -> None:
    some = Entry(258, 250, 3, 5, closed=True, reasons={"no_greeks": 3, "no_tick": 5})
    none = Entry(258, 0, 0, 258, closed=True, reasons={"no_subscription": 258})

    states = judge([], {(TASK, SLOT): some, (TASK, NEXT): none}, Traces({}), LATER)

    assert [state.verdict for state in states] == [Verdict.PARTIAL, Verdict.MISSING]
    assert total_reasons(states) == {"no_greeks": 3, "no_tick": 5, "no_subscription": 258}


def test_a_slot_with_nothing_expected_is_not_complete() -> None:
    [state] = judge([], {(TASK, SLOT): Entry(0, 0, 0, 0, closed=True)}, Traces({}), LATER)

    assert state.verdict is Verdict.MISSING


def test_l10_a_slot_that_never_ran_is_seen_and_expects_what_its_neighbour_did() -> None:
    states = judge([(TASK, SLOT), (TASK, NEXT)], {(TASK, SLOT): FULL}, Traces({}, (SLOT,)), LATER)

    assert (states[1].verdict, states[1].missing, dict(states[1].reasons)) == (Verdict.MISSING, 258, {"not_run": 258})


def test_without_any_trace_of_the_host_it_was_down() -> None:
    long_ago = SLOT - timedelta(hours=1)

    [state] = judge([(TASK, SLOT)], {}, Traces({}, (long_ago,)), LATER)

    assert (state.expected, dict(state.reasons)) == (None, {"host_down": 1})


def test_the_reason_that_is_known_is_given() -> None:
    [state] = judge([(TASK, SLOT)], {}, Traces({(TASK, SLOT): "restart_window"}), LATER)

    assert dict(state.reasons) == {"restart_window": 1}


def test_a_run_that_died_leaves_its_slot_open_and_is_named() -> None:
    [state] = judge([], {(TASK, SLOT): Entry(258, 0, 0, 258, closed=False)}, Traces({}), LATER)

    assert (state.verdict, dict(state.reasons)) == (Verdict.MISSING, {"killed": 258})


def test_a_slot_that_is_open_is_at_work_until_its_task_may_work_no_longer() -> None:
    at_work = {(TASK, SLOT): Entry(258, 0, 0, 258, closed=False)}

    verdicts = [
        judge([], at_work, Traces({}), SLOT + timedelta(minutes=after), {TASK: timedelta(minutes=45)})[0].verdict
        for after in (4, 44, 46)
    ]

    assert verdicts == [Verdict.RUNNING, Verdict.RUNNING, Verdict.MISSING]


def test_what_may_still_come_is_not_called_missing() -> None:
    now = SLOT + timedelta(minutes=1)

    states = judge([(TASK, SLOT), (TASK, NEXT)], {}, Traces({}), now)

    assert [state.verdict for state in states] == [Verdict.RUNNING, Verdict.NOT_YET]
