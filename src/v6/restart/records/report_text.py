"""A restart in words: the text that is kept, the one message to the operator. The verdict first, then what to do."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from v6.analysis.findings import State
from v6.restart.records.difference import Became, Difference
from v6.restart.records.order_outcomes import UNDONE, is_of
from v6.restart.records.report import LiveProof, Outcome, RestartReport, Verdict
from v6.restart.records.trading_state import TradingState
from v6.restart.records.what_helps import what_helps
from v6.restart.recovery.proofs import Proven, of_kind
from v6.restart.windows import Occurrence

Severity = Literal["info", "warning", "failure"]

MEANS = {
    Verdict.PREPARED: "the trading state is saved, TWS may restart",
    Verdict.RESTORED: "TWS works again",
    Verdict.DEGRADED: "not everything works",
    Verdict.WAITING: "TWS waits for a person to sign in",
}
SEVERITY: dict[Verdict, Severity] = {
    Verdict.PREPARED: "info",
    Verdict.RESTORED: "info",
    Verdict.DEGRADED: "failure",
    Verdict.WAITING: "failure",
}
A_PERSON = "A PERSON MUST LOOK"
NAMED = 8
"""Lines of a kind in the message; the text has all."""


@dataclass(frozen=True, slots=True)
class Message:
    """An alert's fields."""

    title: str
    body: str
    severity: Severity


def message(report: RestartReport) -> Message:
    """The one message at the end of a restart."""
    todo = to_do(report)
    severity = "failure" if report.needs_a_person else SEVERITY[report.verdict]
    if report.expected or (severity == "info" and (todo or report.warnings)):
        severity = "warning"
    warnings = [f"warning: {one}" for one in report.warnings]
    lines = [_first(report), *_to_do_lines(todo), *_facts(report), *_capped(warnings), *_capped(_differences(report))]
    look = f", {A_PERSON}" if report.needs_a_person else ""
    return Message(f"restart {report.verdict}{look}: {_window(report)}", "\n".join(lines), severity)


def text(report: RestartReport) -> str:
    """Everything, the most important first."""
    blocks = [
        [_first(report), *_to_do_lines(to_do(report))],
        _facts(report),
        _block("Different from before", _differences(report)),
        _block("Warnings", report.warnings),
        _block("Orders we touched", map(str, report.orders)),
        _block("Checks", (f"{one.check}: {one.state.replace('_', ' ')}: {one.evidence}" for one in report.findings)),
        _block("Not proven", (f"{one.contract}: {one.words}" for one in of_kind(report.proofs, Proven.NOT))),
        _block("Still not live at the open", report.live.lacking if report.live else ()),
        _block("Steps", _steps(report)),
    ]
    return "\n\n".join("\n".join(block) for block in blocks if block) + "\n"


def to_do(report: RestartReport) -> list[str]:
    """What a person has to do; empty: nothing. What was not compared is never nothing (L30)."""
    difference = report.difference or Difference()
    blind = report.verdict is Verdict.RESTORED and report.difference is None
    live = report.live or LiveProof(0)
    by_us = [one for one in difference.missing if one.became is Became.CANCELLED_BY_US]
    degraded = report.verdict is Verdict.DEGRADED and not report.expected
    lost = [one.order for one in difference.unexplained]
    undone = [one for one in report.cancels if one.outcome in UNDONE]
    unsettled = [one for one in undone if not any(is_of(order, one) for order in lost)]
    found: tuple[tuple[int, str, str], ...] = (
        (report.verdict is Verdict.WAITING, "", "sign in to TWS (second factor): V6 goes on when the API port is open"),
        (report.expected, "", "wait: V6 validates again every 15 minutes, and says so if it fails afterwards"),
        (degraded, "", what_helps(report.cause)),
        (len(difference.unexplained), "order", "find out in TWS what became of {}"),
        (blind, "", "look at orders and positions in TWS: they could not be compared with a saved state"),
        (len(report.still_open), "order", "look in TWS at {}: counted as ended, and TWS lists it as open"),
        (len(unsettled), "order", "look in TWS at {}: the cancel is not confirmed"),
        (len(report.unclosed), "position", "look in TWS at {}: its closing is not confirmed"),
        (len(difference.rolled_back), "", "restart programs that count order ids themselves: TWS gives used ids again"),
        (len(difference.positions), "position", "check {}: changed meanwhile"),
        (len(difference.new), "order", "check {}: not there before"),
        (len(difference.unknown), "", "compare by hand what could not be compared"),
        (len(by_us), "order", "place again what you still want of {} that V6 cancelled: it never does"),
        (len(live.lacking), "subscription", "find out why {} got no tick at the open"),
    )
    return [words.format(_count(count, noun)) for count, noun, words in found if count]


def _first(report: RestartReport) -> str:
    cause = f": {report.cause}" if report.cause else ""
    look = f", {A_PERSON}" if report.needs_a_person else ""
    return f"{report.verdict.upper()}{look}: {_window(report)}: {MEANS[report.verdict]}{cause}."


def _to_do_lines(todo: list[str]) -> list[str]:
    return [f"To do: {one}" for one in todo] or ["Nothing to do."]


def _facts(report: RestartReport) -> list[str]:
    """saved, cancelled, restored, how long: a line each, only what is known."""
    facts = {
        "saved": _saved(report.before) if report.before else "nothing",
        "cancelled": _cancelled(report),
        "restored": _restored(report),
        "live": _live(report),
        "took": _took(report),
    }
    return [f"{name:<10} {words}" for name, words in facts.items() if words]


def _saved(state: TradingState) -> str:
    counts = (
        _count(len(state.orders), "open order"),
        _count(len(state.positions), "position"),
        _count(len(state.subscriptions), "subscription"),
        _count(len(state.scanners), "scanner"),
    )
    lacking = f"; NOT read: {'; '.join(state.partial)}" if state.partial else ""
    return f"{', '.join(counts)} at {_time(state.saved_at)}{lacking}"


def _cancelled(report: RestartReport) -> str:
    if not report.cancels:
        return "no order"
    return f"{report.cancelled} of {_count(len(report.cancels), 'order')}"


def _restored(report: RestartReport) -> str:
    if report.verdict is Verdict.PREPARED:
        return ""
    if not report.proofs:
        return "no subscription was proven"
    proven = len(of_kind(report.proofs, Proven.LIVE, Proven.CLOSED))
    closed = len(of_kind(report.proofs, Proven.CLOSED))
    by_close = f", {closed} of them by their close" if closed else ""
    broken = [one.check for one in report.findings if one.state is not State.OK]
    rest = f"; not well: {', '.join(broken)}" if broken else ""
    return f"{proven} of {_count(len(report.proofs), 'subscription')} proven{by_close}{rest}"


def _live(report: RestartReport) -> str:
    if report.live is None:
        return ""
    if report.live.at is None:
        return f"proof by ticks of {_count(report.live.owed, 'subscription')} follows at the open"
    return f"{report.live.proven} of {report.live.owed} tick, {_time(report.live.at)}"


def _took(report: RestartReport) -> str:
    parts = {
        "TWS was away": report.away_seconds,
        "first data": report.first_tick_seconds,
        "connected to restored": report.recovery_seconds,
    }
    return ", ".join(f"{name} {_seconds(value)}" for name, value in parts.items() if value is not None)


def _differences(report: RestartReport) -> list[str]:
    if report.difference is None:
        return []
    return report.difference.lines() or ["nothing: orders, positions and account are as they were"]


def _steps(report: RestartReport) -> list[str]:
    return [
        f"{one.phase:<14} {one.name:<28} {one.seconds:>7.1f} s  {_shout(one.outcome)}"
        + (f": {one.detail}" if one.detail else "")
        for one in report.steps
    ]


def _shout(outcome: Outcome) -> str:
    return outcome.upper() if outcome in (Outcome.FAILED, Outcome.COULD_NOT_CHECK) else outcome


def _block(title: str, lines: Iterable[str]) -> list[str]:
    found = [f"  {line}" for line in lines]
    return [f"{title}:", *found] if found else []


def _capped(lines: list[str]) -> list[str]:
    if len(lines) <= NAMED:
        return lines
    return [*lines[:NAMED], f"... and {len(lines) - NAMED} more in the report"]


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _window(report: RestartReport) -> str:
    return str(Occurrence(report.window, report.window_start, report.window_end, acts=True))


def _time(moment: datetime) -> str:
    return f"{moment:%m-%d %H:%M:%S %Z}"


def _seconds(value: float) -> str:
    return f"{value:.1f} s" if value < 120 else f"{value / 60:.0f} min"
