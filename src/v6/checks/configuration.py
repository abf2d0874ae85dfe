"""The check of the configuration: whether what is in force is what the files say; after a refused edit somebody is told
once when they are accepted again."""

from datetime import timedelta

from v6.analysis.findings import Finding, could_not_check, ok
from v6.config.sources import NAMES, compiled_sources, read_sources
from v6.journal import events
from v6.runner.context import Context
from v6.scheduler.compile import TOLD_FILE

CHECK = "configuration"
REFUSED = "refused edit:"
ACCEPTED = "accepted edit"


def configuration(ctx: Context) -> Finding:
    """A refused edit is the gate's to tell: it is no failure of this check."""
    compiled, present = compiled_sources(ctx.paths), read_sources(ctx.paths)
    if compiled is None:
        return could_not_check(CHECK, "no compiled schedule says what is in force (`v6 schedule check` makes one)")
    if any(compiled[name].content != present[name].content for name in NAMES):
        return ok(CHECK, "a later edit is refused, the last good one is in force (`v6 schedule check`)")
    if events.latest_of(ctx.journal, REFUSED) > events.latest_of(ctx.journal, ACCEPTED):
        events.raise_alert(
            ctx.journal,
            severity="info",
            title="the configuration is accepted again",
            body="an edit that was refused is mended or taken back: what the files say is in force",
            key=ACCEPTED,
            quiet=timedelta(),
        )
    (ctx.paths.compiled / "rejected" / TOLD_FILE).unlink(missing_ok=True)
    return ok(CHECK, "what the files say is in force")
