"""Prove that the lake is what was written, and that a second reader agrees.

Usage: scripts/audit_data_integrity.py
Needs: nothing; what it cannot look at it says. Looks at the whole lake: every table opens and has the declared schema,
every file is there with the size and rows that the log says, no old file that the log does not know, closed days hold
what was sealed (SHA-256), slot ledger and rows agree, a sample of statistics recomputed is as stored, and DuckDB, which
shares no code with the writer, finds the same. Each is ok, failed or could_not_check, with its evidence in the log.
Findings, never repairs: what to do about each is in docs/data.md, Upkeep. Writes to the journal only: an event with the
result, without which cleanup_old_data removes nothing. A repeat is safe: it looks again and records the new result.
Exit codes: 0 nothing failed (what could not be checked is named); 1 something failed, or nothing could be checked.
"""

from v6.analysis.findings import Finding, State, could_not_check, of_state, words
from v6.audit import agreement, closed, recompute, second_reader, tables
from v6.checks.guarded import guarded
from v6.journal import audits
from v6.model import RecoverableError
from v6.runner.context import Context
from v6.store.tables import TABLES


def audit_data_integrity(ctx: Context) -> str:
    findings = _findings(ctx)
    for finding in findings:
        ctx.log.log("INFO" if finding.state is State.OK else "WARNING", "{}", finding)
    failures = of_state(findings, State.FAILED)
    clean = not failures and bool(of_state(findings, State.OK))
    audits.record(ctx.journal, words(findings), clean=clean, failed=[one.check for one in failures])
    if not clean:
        raise RecoverableError(words(findings))
    return words(findings)


def _findings(ctx: Context) -> list[Finding]:
    lake = ctx.lake
    opening, opened = tables.opened(lake)
    if not opened and all(finding.state is State.OK for finding in opening):
        return [could_not_check("tables open", "no table has been written yet")]
    broken = {name for name in TABLES if name not in opened and lake.local and (lake.local / name).exists()}
    return [
        *opening,
        guarded("files", lambda: tables.files(lake, opened)),
        guarded("orphans", lambda: tables.orphans(lake, ctx.now())),
        guarded("closed days", lambda: closed.unchanged(ctx.journal, opened, broken)),
        guarded("ledger and rows", lambda: agreement.ledger_and_rows(ctx)),
        guarded("statistics", lambda: recompute.statistics_agree(ctx)),
        guarded("second reader", lambda: second_reader.agrees(lake, opened)),
    ]
