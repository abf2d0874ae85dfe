"""Slots and contracts that were not collected are found with their reasons (L10)."""

from datetime import timedelta

from hand_made import OPEN, given

from v6.analysis.quality.slots import missing_contracts, missing_slots
from v6.analysis.slot_states import SlotState, Verdict

TASK = "collect_option_snapshots"
FULL = SlotState(TASK, OPEN, Verdict.COMPLETE, 258, 258, 0, 0, {})
LOST = SlotState(TASK, OPEN + timedelta(minutes=5), Verdict.MISSING, 258, 0, 0, 258, {"host_down": 258})
COMING = SlotState(TASK, OPEN + timedelta(hours=6), Verdict.NOT_YET, 258, 0, 0, 0, {})


def partial(missing: int) -> SlotState:
    reasons = {"no_tick": missing, "no_greeks": 3}
    return SlotState(TASK, OPEN, Verdict.PARTIAL, 258, 258 - missing - 3, 3, missing, reasons)


def test_l10_a_slot_that_was_not_collected_is_found_with_its_reason() -> None:
    said = missing_slots(given(states=[FULL, LOST, COMING]))

    assert (said.checked, said.failed, said.breached) == (2, 1, True)
    assert said.findings["message"].to_list() == ["collect_option_snapshots 09:35 was not collected: host_down 258"]


def lost(minutes: int, reason: str = "host_down", task: str = TASK) -> SlotState:
    return SlotState(task, OPEN + timedelta(minutes=minutes), Verdict.MISSING, 258, 0, 0, 258, {reason: 258})


def test_a_missing_morning_is_one_finding_a_task() -> None:
    """09:30 to 09:40 for one reason, 09:45 for another, and 09:55 after a slot that was collected."""
    kept = SlotState(TASK, OPEN + timedelta(minutes=20), Verdict.PARTIAL, 258, 250, 0, 8, {"host_down": 8})
    mixed = [lost(0), lost(0, task="z"), lost(5), lost(5, task="z"), lost(10), lost(15, "tws_down"), kept, lost(25)]

    said = missing_slots(given(states=mixed))

    assert (said.checked, said.failed) == (8, 7)
    assert said.findings.select("message", "rows", "value").rows() == [
        ("collect_option_snapshots 09:30 to 09:40: 3 slots were not collected: host_down 774", 3, 774.0),
        ("collect_option_snapshots 09:45 was not collected: tws_down 258", 1, 258.0),
        ("collect_option_snapshots 09:55 was not collected: host_down 258", 1, 258.0),
        ("z 09:30 to 09:35: 2 slots were not collected: host_down 516", 2, 516.0),
    ]


def test_a_day_of_complete_slots_has_no_missing_one() -> None:
    said = missing_slots(given(states=[FULL, COMING]))

    assert (said.checked, said.failed, said.findings.height) == (1, 0, 0)


def test_when_nobody_can_tell_which_slots_there_were_the_rule_could_not_look() -> None:
    assert missing_slots(given(states=None)).unable == "neither schedule nor ledger could be read"
    assert missing_contracts(given(states=None)).unable == "neither schedule nor ledger could be read"


def test_a_few_missing_contracts_are_told_and_tolerated_and_many_are_not() -> None:
    few, many = (missing_contracts(given(states=[partial(count)])) for count in (25, 26))

    assert (few.failed, few.breached, many.failed, many.breached) == (25, False, 26, True)  # 10 % of 258 is 25.8
    assert few.findings["message"].to_list() == [
        "collect_option_snapshots 09:30: 25 of 258 missing, 3 partial: no_tick 25, no_greeks 3"
    ]


def test_a_slot_that_is_missing_as_a_whole_is_not_counted_again_by_contract() -> None:
    assert missing_contracts(given(states=[FULL, LOST])).checked == 258
