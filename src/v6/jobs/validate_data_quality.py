"""Find what is wrong with the day's data, score it, and close the day.

Usage: scripts/validate_data_quality.py [--date 2026-11-20] [--dry-run]
Needs: nothing but the lake, the journal and the compiled schedule; default is the slot's day. A day without a session
is skipped (no_input); refused are a session that is not over (--dry-run says what is known so far), a day of which V6
knows nothing (it was installed later), and one whose quotes cleanup_old_data has removed. What every rule looks at, its
formula and limits: docs/data.md, section Quality.
Writes: quality_findings and quality_scores of the day, also when rules fail; then the day is closed (exports of the
journal, compaction, checksums). A repeat is safe: it judges the day anew and, where nothing changed, writes nothing.
Exit codes: 0 no critical rule failed (rules that could not look are named); 1 a critical rule failed (settings
quality.critical: told at once, not retried), or the lake was busy (retried); 2 no such date, the session is not over,
V6 knows nothing of it, its quotes were removed, or nothing could be looked at.
"""

from datetime import date
from itertools import groupby
from typing import TYPE_CHECKING

from v6.audit import quality_day
from v6.model import FatalError, RecoverableError, SkipRun
from v6.runner.context import Argument, Context
from v6.runner.notices import QUALITY_BREACHED
from v6.store.errors import LakeError
from v6.upkeep import closing

if TYPE_CHECKING:
    from v6.analysis.quality.judgement import Judgement
    from v6.config.settings import QualityRule

WRITES = True
ARGUMENTS = (Argument("--date", metavar="YYYY-MM-DD", help="a New York date; default: today's"),)

WHAT_TO_DO = "docs/data.md, Quality"
LOGGED = 10
"""Findings of a rule that become a line of the log each."""
LEVELS = {"critical": "ERROR", "warning": "WARNING", "info": "INFO"}


class BreachedError(RecoverableError):
    """A critical rule is breached: exit 1, and no other attempt, for the same data would be judged the same."""

    reason = QUALITY_BREACHED


def validate_data_quality(ctx: Context) -> str:
    day = _day(ctx)
    if (closed := ctx.calendar.closure_reason(day)) is not None:
        raise SkipRun("no_input", f"{day} is no session: {closed}")
    _require_judgeable(ctx, day)
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
        worst = "; ".join(_worst(judgement, rule) for rule in judgement.failed)
        raise BreachedError(f"critical: {worst}. What to do: {WHAT_TO_DO}, `v6 report {day}`. {words}")
    return words


def _require_judgeable(ctx: Context, day: date) -> None:
    """Scores of a day that has not been, or is no longer there, would be made of nothing."""
    session = ctx.calendar.session(day)
    if session is not None and ctx.now() < (session.open if ctx.dry_run else session.close):
        raise FatalError(
            f"{day}: its session is {session.open:%H:%M} to {session.close:%H:%M}, now it is "
            f"{ctx.now():%Y-%m-%d %H:%M}: a day is judged and closed when its session is over "
            "(once it has begun, --dry-run says what is known so far)"
        )
    if not quality_day.known(ctx, day):
        raise FatalError(
            f"V6 knows nothing of {day}: it first ran here later, and there is no run, no slot and no row of that day"
        )
    if gone := quality_day.removed(ctx, day):
        raise FatalError(
            f"{day}: cleanup_old_data has removed {', '.join(gone)}: what was found when they were there stays"
        )


def _worst(judgement: "Judgement", rule: "QualityRule") -> str:
    """The rule with the first of its findings, and how many more there are."""
    severe = judgement.outcomes[rule].findings.filter("severe")
    stored = judgement.findings
    message = stored.filter((stored["rule"] == rule) & (stored["severity"] == "critical"))["message"][0]
    return f"{rule}: {message}" + (f" (and {len(severe) - 1} more)" if len(severe) > 1 else "")


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
    from v6.analysis.quality.judgement import counted

    stored = "" if ctx.dry_run else " in quality_findings"
    rows = judgement.findings.sort("rule", maintain_order=True).iter_rows(named=True)
    for rule, own in groupby(rows, key=lambda row: row["rule"]):
        found = list(own)
        for row in found[:LOGGED]:
            ctx.log.log(LEVELS[row["severity"]], "{} ({}): {}", rule, row["table"], row["message"])
        if more := sum(counted(row["message"]) or 1 for row in found[LOGGED:]):
            ctx.log.log(LEVELS[found[LOGGED]["severity"]], "{}: and {} more{}", rule, more, stored)
    for name, why in judgement.unable.items():
        ctx.log.warning("{} could not look: {}", name, why)


def _summary(day: date, judgement: "Judgement") -> str:
    severities = judgement.findings["severity"]
    counts = ", ".join(f"{(severities == severity).sum()} {severity}" for severity in LEVELS)
    looked = len(judgement.outcomes) - len(judgement.unable)
    unable = f", could not look: {', '.join(judgement.unable)}" if judgement.unable else ""
    return f"{day} score {judgement.total:.1f} of 100, findings: {counts}; {looked} rules looked{unable}"


def _unable(judgement: "Judgement") -> str:
    return "; ".join(f"{rule}: {why}" for rule, why in judgement.unable.items())
