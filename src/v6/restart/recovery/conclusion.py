"""What a recovery amounts to: the verdict, the exit code, the journal's row and the report. One table decides.

0: everything validated; differences are reported. 1: not validated, another attempt may help. 2: a person must look:
TWS works, but orders are gone without a trace, or there is no saved state that may be believed; or TWS waits for a
login, or speaks another protocol.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from v6 import clock
from v6.analysis.findings import State, of_state
from v6.journal import restarts
from v6.restart.records.difference import Difference
from v6.restart.records.document import Flaw
from v6.restart.records.report import LiveProof, Outcome, RestartReport, Verdict
from v6.restart.recovery.proofs import Proven, of_kind
from v6.restart.states import Event
from v6.restart.windows import in_words

if TYPE_CHECKING:
    import sqlite3

    from v6.restart.recovery.flow import Recovered

HARMLESS = frozenset({Flaw.MISSING, Flaw.TOO_OLD})
"""There is nothing to compare with, or it is marked as old; every other flaw means that what was saved cannot be
believed."""
SIGN_OF_ABSENCE = frozenset({"refused", "closed", "mute", "disconnected", "listener_changed"})
BEFORE_WINDOW = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Conclusion:
    """`event`: the manager's last step. `cause`: why, in one sentence. `expected`: no failure, IBKR promises no service
    just now."""

    verdict: Verdict
    exit_code: int
    event: Event
    cause: str
    expected: bool = False

    def allowed_for(self, no_service: str) -> "Conclusion":
        """Where IBKR promises no service (`no_service`: why and until when, in words) what does not work has not
        failed: it is said once, as a warning, and validated again."""
        if not no_service or self.verdict is not Verdict.DEGRADED or self.exit_code != 1:
            return self
        return replace(self, cause=f"{no_service}: {self.cause}", expected=True)


def conclude(found: "Recovered", waiting_since: datetime | None) -> Conclusion:
    """`waiting_since`: when the login token died, if TWS has not been seen working since."""
    if found.not_reached is not None:
        why = found.not_reached
        if why.port_closed and waiting_since is not None:
            words = f"waiting for a person: the weekly login ended {waiting_since:%A %H:%M %Z}; {why.cause}"
            return Conclusion(Verdict.WAITING, 2, Event.FAILED, words)
        return Conclusion(Verdict.DEGRADED, 2 if why.fatal else 1, Event.FAILED, why.cause)
    if not found.validated:
        findings = found.validation.findings if found.validation else ()
        failures = "; ".join(f"{one.check}: {one.evidence}" for one in of_state(findings, State.FAILED))
        return Conclusion(Verdict.DEGRADED, 1, Event.FAILED, failures or "the validation did not come to its end")
    reasons = [words for applies, words in PERSON if applies(found)]
    old = [f"compared with {_age(found)}"] if found.old is not None else []
    cause = "; ".join((*reasons, *old)) if reasons else validated_words(found)
    return Conclusion(Verdict.RESTORED, 2 if reasons else 0, Event.VALIDATED, cause)


PERSON: tuple[tuple[Callable[["Recovered"], bool], str], ...] = (
    (
        lambda found: bool(found.difference and found.difference.unexplained),
        "orders are gone and nobody knows why",
    ),
    (
        lambda found: bool(found.refused and found.refused.flaw not in HARMLESS),
        "the saved trading state was refused, nothing could be compared",
    ),
)
"""TWS works again, and yet a person must look."""


def validated_words(found: "Recovered") -> str:
    assert found.validation is not None
    proofs = found.validation.proofs
    lacking = len(of_kind(proofs, Proven.NOT))
    words = f"{len(proofs) - lacking} of {len(proofs)} subscriptions proven"
    if found.before is None:
        why = f"{found.refused.flaw}: {found.refused.reason}" if found.refused else "unknown"
        return f"{words}; no saved state to compare with ({why})"
    compared = f"{words}; {_compared(found.difference or Difference())}"
    return compared if found.old is None else f"{compared}, compared with {_age(found)}"


def _compared(difference: Difference) -> str:
    """Account values move by themselves: they are listed, not counted."""
    count, unknown = difference.count, len(difference.unknown)
    words = f"{count} difference{'' if count == 1 else 's'}" if count else ""
    unseen = f"{unknown} part{'' if unknown == 1 else 's'} could not be compared" if unknown else ""
    return ", ".join(filter(None, (words, unseen))) or "orders and positions as before"


def _age(found: "Recovered") -> str:
    assert found.old is not None
    return f"a state that is {in_words(found.old.total_seconds())} old"


def write_row(db: "sqlite3.Connection", found: "Recovered", end: Conclusion, report: str) -> None:
    """Complete the journal's row of this restart. What its first validation has said about it stays."""
    columns: dict[str, object] = {"outcome": str(end.verdict), "report": report, "observed": found.observed}
    if not restarts.is_validated(found.row):
        columns["restored"] = None if found.complete is None else int(found.complete)
        if end.verdict is Verdict.RESTORED:
            columns["validated_at"] = clock.now()
    if found.validation is not None and found.validation.first_tick_seconds is not None:
        columns["first_tick_seconds"] = round(found.validation.first_tick_seconds, 3)
    if found.row.away_at is None and (away := _first_sign(db, found.occurrence.start)):
        columns["away_at"] = away
    restarts.note(db, found.row.id, **columns)


def _first_sign(db: "sqlite3.Connection", window_start: datetime) -> datetime | None:
    signs = restarts.outages(db, window_start - BEFORE_WINDOW, clock.now())
    return next((one.at for one in signs if one.kind in SIGN_OF_ABSENCE), None)


def report_of(begun: RestartReport, found: "Recovered", end: Conclusion, db: "sqlite3.Connection") -> RestartReport:
    """The report that pre_restart began, completed."""
    validation = found.validation
    owed = len(validation.owed) if validation is not None else 0
    live = begun.live if begun.live is not None and begun.live.at is not None else None
    for note in found.notes:
        found.book.add(note.check, Outcome.COULD_NOT_CHECK, detail=note.evidence)
    found.book.add("verdict", Outcome.DONE if end.exit_code == 0 else Outcome.FAILED, detail=end.cause)
    whole = replace(
        begun,
        verdict=end.verdict,
        cause=end.cause,
        exit_code=end.exit_code,
        expected=end.expected,
        before=found.before or begun.before,
        after=found.after,
        difference=found.difference,
        findings=validation.findings if validation is not None else (),
        proofs=validation.proofs if validation is not None else (),
        observed=found.observed,
        first_tick_seconds=validation.first_tick_seconds if validation is not None else None,
        recovery_seconds=found.recovery_seconds,
        live=LiveProof(owed) if owed else live,
    )
    return (
        whole.with_steps(found.book.steps).with_orders(restarts.order_steps(db, found.row.id)).warned(*_warnings(found))
    )


def _warnings(found: "Recovered") -> list[str]:
    warnings = list(found.seen.causes)
    if found.old is not None and found.before is not None:
        saved = f"{found.before.saved_at:%m-%d %H:%M %Z}"
        warnings.append(f"compared with an old state, saved {saved}: what happened since is in the difference too")
    elif found.refused is not None and found.refused.flaw is not Flaw.MISSING:
        warnings.append(f"{found.refused}; `v6 state show` shows it")
    if found.before is None and found.rolled_back:
        warnings += [f"order ids rolled back: {one}" for one in found.rolled_back]
    if found.validation is not None:
        warnings += [f"could not check {one.check}: {one.evidence}" for one in found.validation.unproven]
    return warnings
