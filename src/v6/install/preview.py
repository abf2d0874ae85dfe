"""What an installation would be and change, in words. Changes nothing."""

from collections.abc import Callable, Iterator

from v6.install import logrotate
from v6.install.plan import Options, Plan

Say = Callable[[str], None]
FROM_TAKE_OVER = "shown only; --take-over ends or replaces it"


def preview(plan: Plan, options: Options, say: Say, *, diff: bool, proof: bool) -> int:
    """0 it could be installed, 2 it would be refused. `proof`: it is to be proven, for which cron must run."""
    facts(plan, say)
    changes = list(_changes(plan))
    if diff and not plan.target.is_put(plan.text):
        say(plan.diff().rstrip("\n") or f"{plan.target.where}: owner or mode would change")
    for change in changes:
        say(f"would change: {change}")
    if not changes:
        say("nothing to change")
    if plan.in_the_way and not options.take_over:
        say("could NOT be installed: something is in the way (see above)")
        return 2
    if proof and not plan.flavour.running:
        say(f"could NOT be installed: {no_cron(plan)}")
        return 2
    return 0


def no_cron(plan: Plan) -> str:
    """Why nothing can be proven."""
    return (
        f"cron does not run: {plan.flavour.why}; start it (systemctl enable --now cron, or service cron start), "
        "or install without the proof: --no-wait"
    )


def facts(plan: Plan, say: Say) -> None:
    """What was found, and what a person should know of."""
    lines = sum(line[:1] in "@*0123456789" for line in plan.text.splitlines() if line)
    say(f"cron:      {plan.flavour}")
    say(f"zone:      {plan.zone.name} ({plan.zone.why})")
    say(f"runs as:   {plan.account.name}{'' if plan.account.uid is not None else ' (to be created)'}")
    say(f"file:      {plan.target.where}: {lines} lines, accepted by {plan.flavour.name}'s parser and V6's")
    if plan.account.name == "root":
        say("warning:   the jobs run as root (install.user: root)")
    if plan.disabled:
        say(f"disabled:  commented out by hand, stays out: {', '.join(plan.disabled)}")
    if plan.before is not None and not plan.before.intact:
        say("edited:    the file was edited by hand; times and tasks belong into the configuration")
    for words in plan.not_kept:
        say(f"NOT KEPT:  {words}")
    if plan.foreign:
        say(f"in the way: {plan.foreign} ({FROM_TAKE_OVER})")
    for one in plan.older:
        say(f"older:     {one.words} ({FROM_TAKE_OVER})")
    mended = {change.path.name for change in plan.changes if change.mode is not None}
    for warning in plan.config.warnings:
        if "others can read it" not in warning or not any(f"{name}:" in warning for name in mended):
            say(f"warning:   {warning}")


def _changes(plan: Plan) -> Iterator[str]:
    if plan.account.uid is None:
        yield f"create user {plan.account.name}"
    yield from map(str, plan.changes)
    if not plan.target.is_put(plan.text):
        yield plan.target.where
    if not plan.logrotate_is_put():
        yield str(logrotate.file(plan.roots))
