"""Install what a plan says, in an order in which a kill at any moment leaves nothing harmful."""

from collections.abc import Callable

from v6.failpoint import reach
from v6.install import account, files, logrotate, modes, plan, preview, proof, readiness
from v6.install.plan import Options, Plan
from v6.install.refused import RefusedError

Say = Callable[[str], None]
LAST_GOOD = "last_good"
OLDER_THERE = "nothing is changed; --take-over replaces or ends what is in the way (a copy is kept)"


def install(options: Options, made: Plan, say: Say, *, wait: float) -> int:
    """0 installed and proven (or not asked to), 1 not: something is in the way, or cron did not fire.
    Raises RefusedError."""
    if made.in_the_way and not options.take_over:
        raise RefusedError(*made.in_the_way, OLDER_THERE)
    if wait and not made.flavour.running:
        raise RefusedError(preview.no_cron(made))
    changed = _create_user(made, say)
    if made.account.uid is None:
        made = plan.make(made.paths, made.roots, options)
    changed += _take_over(options, made, say)
    modes.carry_out(made.changes)
    for change in made.changes:
        say(f"changed: {change}")
    reach("install: modes")
    changed += len(made.changes) + _logrotate(made, say)
    readiness.compile_modules(made.paths, made.account)
    if made.target.is_put(made.text) and (not wait or proof.is_proven(made)):
        say(f"{made.target.where}: as it should be{_proven(made)}")
        if not changed:
            say("nothing to change")
        return 0
    return _put(made, say, wait)


def _create_user(made: Plan, say: Say) -> int:
    if made.account.uid is not None:
        return 0
    account.create(made.account, made.paths)
    say(f"created: user {made.account.name}")
    return 1


def _take_over(options: Options, made: Plan, say: Say) -> int:
    if not options.take_over:
        return 0
    if made.foreign:
        copy = files.keep_replaced(made.target.kept, "v6-trading", made.target.current())
        say(f"taken over: {made.foreign}; a copy is {copy}")
    for one in made.older:
        try:
            say(f"taken over: {one.take()}")
        except OSError as error:  # a process or a file of somebody else's, where root does not install
            say(f"NOT taken over: {one.words}: {error.strerror}: sudo ./install_scheduler.sh --take-over, or by hand")
    return bool(made.foreign) + len(made.older)


def _logrotate(made: Plan, say: Say) -> int:
    if made.logrotate_is_put() or made.logrotate is None:
        return 0
    files.put(logrotate.file(made.roots), made.logrotate)
    say(f"changed: {logrotate.file(made.roots)}")
    return 1


def _put(made: Plan, say: Say, wait: float) -> int:
    _keep_last_good(made)
    if not wait:
        (made.target.kept / proof.RECORD).unlink(missing_ok=True)  # also of this very text, if it was put back
        made.target.put(made.text)
        say(f"installed: {made.target.where} (not proven: --no-wait)")
        return 0
    say(f"waiting for cron to fire a line of {made.target.where}, up to {wait:g} s")
    try:
        words = proof.prove(made, wait)
    except proof.UnprovenError as error:
        if made.before is not None and not made.before.probing and not made.refusals_of(made.before.text):
            made.target.put(made.before.text)
            say(f"NOT installed: {made.target.where} is again as it was before. {error}")
        else:
            say(f"installed, and NOT proven: {made.target.where}. {error}")
        return 1
    say(f"installed and proven: cron has fired a line of {made.target.where} as {made.account.name}; gate: {words}")
    return 0


def _keep_last_good(made: Plan) -> None:
    """What was there, whole, as long as cron takes it."""
    current = made.target.current()
    if made.before is None or made.foreign or made.before.probing or made.refusals_of(made.before.text):
        return
    if made.before.text != made.text:
        files.make_folder(made.target.kept)
        files.put(made.target.kept / LAST_GOOD, current, 0o644 if made.target.system else 0o600)


def _proven(made: Plan) -> str:
    at = proof.when(made.target.kept, made.text)
    return f", proven {at}" if at else ", not proven yet"
