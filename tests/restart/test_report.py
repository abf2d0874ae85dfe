"""The report of a restart: what a tired person reads, what a program reads, and that it survives."""

import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

import trading_states
from trading_states import AFTER, CALL, END, ES, SPY, START, execution, order, position, state
from v6.analysis.findings import failed, ok
from v6.journal.restarts import OrderStep
from v6.restart.records.difference import Difference, compare
from v6.restart.records.document import Flaw, Flawed
from v6.restart.records.report import LiveProof, Outcome, RestartReport, Step, StepBook, Verdict
from v6.restart.records.report_files import ReportFiles, encoded
from v6.restart.records.report_text import message, text, to_do
from v6.restart.recovery.proofs import Proof, Proven
from v6.restart.windows import Occurrence

NIGHT = Occurrence("daily_restart", START, END, True)
PROOFS = (
    Proof(SPY, Proven.CLOSED, "frozen, close 600"),
    Proof(ES, Proven.LIVE, "live, bid 6000"),
    Proof(CALL, Proven.NOT, "no_tick: nothing came"),
)


def report(**changes: Any) -> RestartReport:
    """Restored, with one order that pre_restart cancelled."""
    before = state(orders=(order(501),))
    steps = [OrderStep(7, 501, 20, 11, "BUY 5 SPY STK LMT 590", START, "cancelled", "")]
    after = state(saved_at=AFTER, orders=())
    finished = replace(
        RestartReport.begin(NIGHT, 7, Verdict.RESTORED),
        before=before,
        after=after,
        difference=compare(before, after, steps),
        findings=(ok("account", "1 with values"),),
        proofs=PROOFS[:2],
        away_seconds=82.0,
        first_tick_seconds=0.41,
        recovery_seconds=23.5,
    ).with_orders(steps)
    return replace(finished, **changes)


def nothing_happened(**changes: Any) -> RestartReport:
    return report(**{"difference": Difference(), "orders": ()} | changes)


@pytest.fixture
def files(home: Path) -> ReportFiles:
    return ReportFiles(home / "var" / "state" / "restarts", keep=3)


# for a tired person


def test_the_first_lines_say_how_it_ended_and_whether_there_is_something_to_do() -> None:
    first, second, *_ = text(nothing_happened()).splitlines()

    assert first == "RESTORED: daily_restart 2026-11-23 23:45-00:05 EST: TWS works again."
    assert second == "Nothing to do."


def test_saved_cancelled_restored_and_how_long_are_a_line_each() -> None:
    lines = text(report()).splitlines()

    assert "saved      1 open order, 2 positions, 3 subscriptions, 1 scanner at 11-23 23:41:00 EST" in lines
    assert "cancelled  1 of 1 order" in lines
    assert "restored   2 of 2 subscriptions proven, 1 of them by their close" in lines
    assert "took       TWS was away 82.0 s, first data 0.4 s, connected to restored 23.5 s" in lines


def test_what_is_different_is_listed_by_perm_id() -> None:
    said = text(report())

    assert "Different from before:" in said
    assert "order cancelled by us: BUY 5 SPY STK LMT 590 DAY (permId 501, client 20, Submitted)" in said


def test_that_nothing_has_changed_is_said() -> None:
    assert "nothing: orders, positions and account are as they were" in text(nothing_happened())


def test_a_part_that_could_not_be_read_is_shouted() -> None:
    partial = state(partial=("positions: no answer within 5 s",))

    assert "NOT read: positions: no answer within 5 s" in text(report(before=partial))


def test_subscriptions_that_are_not_proven_are_listed_with_the_reason() -> None:
    said = text(report(proofs=PROOFS))

    assert "restored   2 of 3 subscriptions proven" in said
    assert "  SPY OPT 20261218 612.5C: no_tick: nothing came" in said


def test_a_check_that_failed_is_in_the_line_of_what_was_restored() -> None:
    assert "proven, 1 of them by their close; not well: account" in text(
        report(findings=(failed("account", "silent"),))
    )


def test_a_step_that_could_not_be_looked_at_is_neither_done_nor_failed_l30() -> None:
    steps = [Step("post_restart", "listener", 0.1, Outcome.COULD_NOT_CHECK, "remote host")]

    assert "COULD NOT CHECK: remote host" in text(report().with_steps(steps))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"verdict": Verdict.WAITING}, "sign in to TWS"),
        ({"verdict": Verdict.DEGRADED}, "docs/restart.md"),
        ({"difference": compare(state(), state(positions=()))}, "check 2 positions: changed meanwhile"),
        ({"difference": compare(state(), state(orders=()))}, "find out in TWS what became of 2 orders"),
        ({"difference": compare(state(orders=()), state())}, "check 2 orders: not there before"),
        ({"difference": compare(state(), state(next_order_ids={20: 3}))}, "TWS gives used ids again"),
        ({"difference": compare(state(), state(partial=("executions: away",)))}, "compare by hand"),
        ({"difference": report().difference}, "place again what you still want of 1 order that V6 cancelled"),
        ({"live": LiveProof(3, AFTER, 2, ("SPY STK: no tick",))}, "why 1 subscription got no tick at the open"),
    ],
)
def test_what_a_person_has_to_do_is_said(changes: dict[str, Any], words: str) -> None:
    [todo] = to_do(nothing_happened(**changes))

    assert words in todo
    assert f"To do: {todo}" in text(nothing_happened(**changes))


@pytest.mark.parametrize("outcome", ["sent", "unconfirmed", "refused"])
def test_a_cancel_that_nobody_confirmed_is_a_thing_to_do(outcome: str) -> None:
    steps = [OrderStep(7, 501, 20, 11, "BUY 5 SPY", START, outcome, "no answer")]

    assert to_do(nothing_happened().with_orders(steps)) == ["look in TWS at 1 order: the cancel is not confirmed"]


def test_an_order_that_is_gone_without_a_trace_is_named_once() -> None:
    steps = [OrderStep(7, 501, 20, 11, "BUY 5 SPY", START, "sent", "")]
    lost = nothing_happened(difference=compare(state(orders=(order(501),)), state(orders=()), steps))

    assert to_do(lost.with_orders(steps)) == ["find out in TWS what became of 1 order"]


def test_an_order_that_counts_as_cancelled_and_is_open_is_a_thing_to_do() -> None:
    steps = [OrderStep(7, 501, 20, 11, "BUY 5 SPY", START, "cancelled", "")]
    open_still = nothing_happened(after=state(saved_at=AFTER, orders=(order(501),)))

    assert to_do(open_still.with_orders(steps)) == [
        "look in TWS at 1 order: counted as ended, and TWS lists it as open"
    ]


def test_a_closing_that_nobody_confirmed_is_no_cancel() -> None:
    words = "close DU9000001: SELL 100 SPY STK MKT (client 9)"
    halted = OrderStep(7, 0, 9, 3, words, START, "unconfirmed", "no answer", "close")
    again = halted._replace(order_id=4, outcome="filled")

    said = nothing_happened().with_orders([halted])

    assert to_do(said) == ["look in TWS at 1 position: its closing is not confirmed"]
    assert "cancelled  no order" in text(said)
    assert to_do(nothing_happened().with_orders([halted, again])) == []


def test_a_restart_after_which_nothing_was_compared_is_never_nothing_to_do_l30() -> None:
    said = text(report(difference=None, before=None, orders=()))

    assert "Nothing to do." not in said
    assert "To do: look at orders and positions in TWS: they could not be compared with a saved state" in said


# the one message


def test_the_message_says_what_was_saved_cancelled_restored_and_how_long() -> None:
    sent = message(report())

    assert sent.title == "restart restored: daily_restart 2026-11-23 23:45-00:05 EST"
    for word in ("saved ", "cancelled ", "restored ", "took "):
        assert f"\n{word}" in sent.body


@pytest.mark.parametrize(
    ("changes", "severity"),
    [
        ({}, "info"),
        ({"difference": compare(state(), state(positions=()))}, "warning"),
        ({"warnings": ("the trading state was refused",)}, "warning"),
        ({"verdict": Verdict.DEGRADED}, "failure"),
        ({"verdict": Verdict.WAITING}, "failure"),
    ],
)
def test_the_message_is_as_loud_as_what_happened(changes: dict[str, Any], severity: str) -> None:
    assert message(nothing_happened(**changes)).severity == severity


def test_the_title_says_when_a_person_must_look() -> None:
    lost = nothing_happened(difference=compare(state(), state(orders=())), exit_code=2)

    sent = message(lost)

    assert sent.title == "restart restored, A PERSON MUST LOOK: daily_restart 2026-11-23 23:45-00:05 EST"
    assert sent.severity == "failure"
    assert text(lost).startswith("RESTORED, A PERSON MUST LOOK: ")


def test_a_message_of_many_differences_stays_short() -> None:
    before = state(orders=tuple(order(number) for number in range(501, 601)))

    sent = message(report(difference=compare(before, state(orders=()))))

    assert "... and 92 more in the report" in sent.body
    assert len(sent.body.splitlines()) < 25


def test_a_warning_is_part_of_the_message() -> None:
    assert "warning: SELL 2 ES STP is cancelled" in message(report().warned("SELL 2 ES STP is cancelled")).body


# stored


def test_what_is_stored_is_read_back_exactly(files: ReportFiles) -> None:
    whole = (
        report(proofs=PROOFS, live=LiveProof(2, AFTER, 1, ("SPY STK: no tick",)), observed="restarted", cause="x")
        .warned("careful")
        .with_steps([Step("pre_restart", "save", 0.25, Outcome.DONE, "3 orders")])
    )

    path = files.save(whole)

    assert path.name == "20261124T044500Z-daily_restart-7.json"
    assert files.load(path) == whole
    assert files.find("daily_restart", START) == whole
    assert path.with_suffix(".txt").read_text() == text(whole)


def test_hooks_get_json_of_a_known_schema() -> None:
    document = json.loads(encoded(report()))

    assert (document["kind"], document["schema"]) == ("restart_report", 1)
    assert document["body"]["verdict"] == "restored"
    assert document["body"]["before"]["orders"][0]["perm_id"] == 501
    assert document["body"]["difference"]["missing"][0]["became"] == "cancelled by us"


def test_a_window_without_report_has_none(files: ReportFiles) -> None:
    assert files.find("daily_restart", START) is None


def test_windows_of_any_name_have_files_of_plain_names(files: ReportFiles) -> None:
    assert files.path("a/../b c+d", START, 3).name == "20261124T044500Z-a____b_c+d-3.json"


def test_a_changed_report_is_refused(files: ReportFiles) -> None:
    path = files.save(report())
    path.write_text(path.read_text().replace('"restored"', '"degraded"', 1))

    with pytest.raises(Flawed) as caught:
        files.load(path)

    assert caught.value.flaw is Flaw.TAMPERED


def test_the_oldest_reports_go_with_their_texts(files: ReportFiles) -> None:
    for day in range(5):
        start = START + timedelta(days=day)
        files.save(replace(report(), window_start=start))

    assert [path.name[:8] for path in files.paths()] == ["20261128", "20261127", "20261126"]
    assert len(list(files.folder.glob("*.txt"))) == 3


def test_the_live_proof_of_the_open_is_added(files: ReportFiles) -> None:
    path = files.save(report(live=LiveProof(1)))
    assert "live       proof by ticks of 1 subscription follows at the open" in text(files.load(path))

    files.amend(path, lambda old: replace(old, live=LiveProof(1, AFTER, 1)))

    assert "live       1 of 1 tick, 11-24 00:11:00 EST" in path.with_suffix(".txt").read_text()
    assert files.load(path).before == report().before


KILLED = """
import sys
from dataclasses import replace
from pathlib import Path
sys.path[:0] = [sys.argv[2]]
from v6.restart.records.report_files import ReportFiles
files = ReportFiles(Path(sys.argv[1]), keep=3)
[path] = files.paths()
files.amend(path, lambda old: replace(old, cause="amended"))
"""


@pytest.mark.integration
@pytest.mark.parametrize("suffix", ["json", "txt"])
def test_an_amendment_that_is_killed_leaves_a_whole_report(files: ReportFiles, suffix: str) -> None:
    path = files.save(report())
    moment = f"write:{path.with_suffix(f'.{suffix}').name}"
    tests = str(Path(trading_states.__file__).parent)
    command = [sys.executable, "-c", KILLED, str(files.folder), tests]

    ended = subprocess.run(command, env=os.environ | {"V6_FAILPOINT": moment})

    assert ended.returncode == -signal.SIGKILL
    assert files.load(path).cause == ("" if suffix == "json" else "amended")


# steps


def test_steps_are_timed_and_keep_what_was_said() -> None:
    book = StepBook("pre_restart")
    with book.step("save the state") as said:
        said("3 orders")

    [step] = book.steps
    assert (step.phase, step.name, step.outcome, step.detail) == (
        "pre_restart", "save the state", Outcome.DONE, "3 orders",
    )  # fmt: skip
    assert 0 <= step.seconds < 1


def test_a_step_that_raises_has_failed_and_the_exception_goes_on() -> None:
    book = StepBook("pre_restart")

    with pytest.raises(OSError, match="disk full"), book.step("save the state"):
        raise OSError("disk full")

    assert [(step.outcome, step.detail) for step in book.steps] == [(Outcome.FAILED, "disk full")]


def test_a_rerun_does_not_hide_the_steps_of_the_run_before_it() -> None:
    first = report().with_steps([Step("pre_restart", "save", 1.0, Outcome.FAILED, "killed")])

    second = first.with_steps([Step("pre_restart", "save", 2.0, Outcome.DONE)])

    assert [step.outcome for step in second.steps] == [Outcome.FAILED, Outcome.DONE]
    assert second.seconds_of("pre_restart") == 3.0


def test_a_fill_while_tws_was_away_is_told_with_its_price() -> None:
    after = state(saved_at=AFTER, orders=(), executions=(execution(501), execution(502)))

    said = text(report(difference=compare(state(), after)))

    assert "order is gone: BUY 5 SPY STK LMT 590 DAY (permId 501, client 20, Submitted): filled, 5 at 590" in said


def test_a_position_that_changed_is_told_before_and_after() -> None:
    after = state(saved_at=AFTER, positions=(position(SPY, 105.0), position(ES, -2.0)))

    assert (
        "position changed: SPY STK in DU9000001: 100 -> 105" in message(report(difference=compare(state(), after))).body
    )


@pytest.mark.parametrize(
    ("cause", "helps"),
    [
        ("nobody listens on the API port 127.0.0.1:7497, waited 180 s", "start TWS; V6 notices by itself"),
        ("refused: 10.0.0.4:7497 (3 attempts)", "whether its API has another port"),
        ("mute_before_handshake: no answer within 15 s (9 attempts)", "look at TWS's window: a dialog waits there"),
        ("client_id_in_use: 9 (4 attempts)", "end what else connects as restart.client_id"),
        ("market data: 3 of 5 farms are down", "look at TWS, and at docs/restart.md, 'When it says DEGRADED'"),
    ],
)
def test_what_to_do_about_a_degraded_restart_fits_its_cause(cause: str, helps: str) -> None:
    [first, *_] = to_do(nothing_happened(verdict=Verdict.DEGRADED, cause=cause))
    assert helps in first


def test_nothing_is_said_twice_of_a_cancelled_order() -> None:
    step = OrderStep(7, 501, 20, 11, "BUY 5 SPY STK LMT 590", START, "cancelled", "Cancelled")
    [done] = report().with_orders([step]).orders
    assert str(done) == "BUY 5 SPY STK LMT 590: cancelled"
