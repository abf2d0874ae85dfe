"""Prove that the lake is what was written, and that a second reader agrees.

Usage: scripts/audit_data_integrity.py
Needs: nothing; what it cannot look at it says. Looks at the whole lake: every table opens, has the declared schema and
is no older than an earlier day's audit found it, every file is there with the size and rows that the log says, no old
file that the log does not know, closed days hold what was sealed (SHA-256), slot ledger and rows agree, a sample of
statistics recomputed is as stored, and DuckDB, which shares no code with the writer, finds the same. Each is ok, failed
or could_not_check, with its evidence in the log. Findings, never repairs: what to do about each is in docs/data.md,
Upkeep. Writes to the journal only: an event with the result, without which cleanup_old_data removes nothing; one that
does not come to its end counts as failed. A repeat is safe: it looks again and records the new result.
Exit codes: 0 nothing failed (what could not be checked is named); 1 something failed, an error stopped a check, or
nothing could be checked.
"""

from collections.abc import Callable
from functools import partial

from v6.analysis.findings import Finding, State, could_not_check, of_state, words
from v6.audit import agreement, closed, recompute, second_reader, tables
from v6.checks.guarded import guarded
from v6.journal import audits
from v6.model import RecoverableError
from v6.runner.context import Context


def audit_data_integrity(ctx: Context) -> str:
    audits.begin(ctx.journal)
    findings, stopped, versions = _findings(ctx)
    for finding in findings:
        ctx.log.log("INFO" if finding.state is State.OK else "WARNING", "{}", finding)
    bad = [*(one.check for one in of_state(findings, State.FAILED)), *(f"{check} was stopped" for check in stopped)]
    clean = not bad and bool(of_state(findings, State.OK))
    audits.record(ctx.journal, words(findings), clean=clean, failed=bad, versions=versions)
    if not clean:
        raise RecoverableError(words(findings))
    return words(findings)


def _findings(ctx: Context) -> tuple[list[Finding], list[str], dict[str, int]]:
    """And the names of the checks that an error stopped: what they would have found nobody knows; and the version of
    every table."""
    lake = ctx.lake
    opening, opened, unusable = tables.opened(lake)
    if not opened and not unusable:
        return [could_not_check("tables open", "no table has been written yet")], [], {}
    before = audits.versions_before(ctx.journal, ctx.now().date())
    looks: dict[str, Callable[[], Finding]] = {
        **({"versions": lambda: tables.versions(opened, before, unusable)} if before else {}),
        "files": lambda: tables.files(lake, opened),
        "orphans": lambda: tables.orphans(lake, ctx.now()),
        "closed days": lambda: closed.unchanged(ctx.journal, opened, unusable),
        "ledger and rows": lambda: agreement.ledger_and_rows(ctx),
        "statistics": lambda: recompute.statistics_agree(ctx),
        "second reader": lambda: second_reader.agrees(lake, opened),
    }
    stopped = [one.check for one in opening if one.state is State.COULD_NOT_CHECK]

    def noted(name: str) -> Finding:
        try:
            return looks[name]()
        except Exception:
            stopped.append(name)
            raise

    found = [*opening, *(guarded(name, partial(noted, name)) for name in looks)]
    return found, stopped, {name: stored.version() for name, stored in opened.items()}
