"""The check for missed slots: what was due since the last check and never ran is recorded, told and made up."""

from datetime import timedelta

from v6.analysis.findings import Finding, failed, ok
from v6.journal import events
from v6.missed import looking, signs, telling
from v6.missed.causes import incidents
from v6.runner.context import Context

CHECK = "missed slots"


def missed_slots(ctx: Context) -> Finding:
    """Of the slots that were due since the last look each has a trace (L10)."""
    now = ctx.now()
    found = looking.look(ctx.paths, ctx.journal, now, repeat=timedelta(hours=ctx.settings.alerts.repeat_hours))
    if found.first:
        return ok(CHECK, "it is looked for them from now on")
    span = f"from {telling.wall(found.start)} to {telling.wall(found.until)}"
    if not found.missed:
        return ok(CHECK, f"none {span}")
    words = [f"{telling.title(found.missed)} ({span})"]
    for (cause, _), slots in incidents(found.missed).items():
        ctx.log.warning("{}: {}", cause, "; ".join(telling.by_task(slots)))
    if made_up := [one.task for one in found.started]:
        words.append(f"made up: {', '.join(made_up)}")
    return failed(CHECK, "; ".join(words))


def host_started(ctx: Context) -> None:
    """Record that the host was started: the cause of what was missed before."""
    events.record(ctx.journal, signs.HOST_STARTED, f"the host was started, noticed at {ctx.now():%Y-%m-%d %H:%M:%S %Z}")
