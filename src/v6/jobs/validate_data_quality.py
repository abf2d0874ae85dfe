"""Find what is wrong with the day's data, score it, and close the day.

Usage: scripts/validate_data_quality.py [--date 2026-11-20] [--dry-run]
Needs: nothing but the lake, the journal and the compiled schedule; default is the slot's day. A day without a session
is skipped (no_input). What every rule looks at, its formula and its limits: docs/data.md, section Quality.
Writes: quality_findings and quality_scores of the day, also when rules fail; then the day is closed (exports of the
journal, compaction, checksums). A repeat is safe: it judges the day anew and, where nothing changed, writes nothing.
Exit codes: 0 no critical rule failed (rules that could not look are named); 1 a critical rule failed (settings
quality.critical), or the lake was busy; 2 no such date, or nothing could be looked at.
"""

from datetime import date
from typing import TYPE_CHECKING

from v6.audit import quality_day
from v6.model import FatalError, RecoverableError, SkipRun
from v6.runner.context import Argument, Context
from v6.store.errors import LakeError
from v6.upkeep import closing

if TYPE_CHECKING:
    from v6.analysis.quality.judgement import Judgement

WRITES = True
ARGUMENTS = (Argument("--date", metavar="YYYY-MM-DD", help="a New York date; default: today's"),)

LEVELS = {"critical": "ERROR", "warning": "WARNING", "info": "INFO"}


def validate_data_quality(ctx: Context) -> str:
    day = _day(ctx)
    if (closed := ctx.calendar.closure_reason(day)) is not None:
        raise SkipRun("no_input", f"{day} is no session: {closed}")
    judgement = quality_day.judged(ctx, day)
    if judgement.total is None:
        raise FatalError(f"{day}: no rule could look at anything: {_unable(judgement)}")
    _log(ctx, judgement)
    words = _summary(day, judgement)
    if ctx.dry_run:
        words = f"dry run, nothing written: {words}"
    else:
        quality_day.store(ctx, day, judgement)
        words = f"{words}; {_closed(ctx, day, judgement)}"
    if judgement.failed:
        raise RecoverableError(f"critical: {', '.join(judgement.failed)}; {words}")
    return words


def _closed(ctx: Context, day: date, judgement: "Judgement") -> str:
    """Close the day. A table of another shape cannot be sealed; where a rule has failed already, that failure is the
    one to tell."""
    try:
        return closing.close_day(ctx, day)
    except LakeError as error:
        if not judgement.failed:
            raise
        ctx.log.error("{} is not closed: {}", day, error)
        return f"not closed: {error}"


def _day(ctx: Context) -> date:
    if ctx.args.date is None:
        return ctx.slot_or_now().date()
    try:
        return date.fromisoformat(ctx.args.date)
    except ValueError as error:
        raise FatalError(f"--date {ctx.args.date!r} is wrong, allowed: a date such as 2026-11-20") from error


def _log(ctx: Context, judgement: "Judgement") -> None:
    for row in judgement.findings.iter_rows(named=True):
        ctx.log.log(LEVELS[row["severity"]], "{} ({}): {}", row["rule"], row["table"], row["message"])
    for rule, why in judgement.unable.items():
        ctx.log.warning("{} could not look: {}", rule, why)


def _summary(day: date, judgement: "Judgement") -> str:
    severities = judgement.findings["severity"]
    counts = ", ".join(f"{(severities == severity).sum()} {severity}" for severity in LEVELS)
    looked = len(judgement.outcomes) - len(judgement.unable)
    unable = f", could not look: {', '.join(judgement.unable)}" if judgement.unable else ""
    return f"{day} score {judgement.total:.1f} of 100, findings: {counts}; {looked} rules looked{unable}"


def _unable(judgement: "Judgement") -> str:
    return "; ".join(f"{rule}: {why}" for rule, why in judgement.unable.items())
