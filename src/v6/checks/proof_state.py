"""What a proof that data flow does to the state, and who is told: once that it has failed, once that all is well again.

The restart itself stays what it was: its row and its report are not touched, and the proof is tried again as itself.
"""

from datetime import datetime, timedelta
from typing import NoReturn

from v6.checks.restart_due import LIVE_PROOF, SERVER_RESET, no_service
from v6.journal import events
from v6.model import RecoverableError, SkipRun
from v6.restart.manager import TROUBLE, TWSRestartManager, Where, subject_of
from v6.restart.states import Event, State
from v6.restart.windows import Occurrence
from v6.runner.context import Context
from v6.runner.notices import RESTART_DEGRADED
from v6.runner.told import ToldError

TITLES = {SERVER_RESET: "data after IBKR's reset", LIVE_PROOF: "the live proof"}
AGAIN = "`recover_restart` proves it again every 15 minutes"
TOLD_FOR = timedelta(days=30)
MINUTE = timedelta(minutes=1)


def not_proven(ctx: Context, manager: TWSRestartManager, name: str, why: str) -> NoReturn:
    """DEGRADED. A person is told when no attempt of this run follows; while IBKR promises no service that is a warning
    and no failure of the run. Raises SkipRun, RecoverableError or ToldError."""
    began = _began(manager.current(), name) or ctx.now()
    trouble = f"{subject_of(name, began)} {TROUBLE}"
    expected = no_service(ctx)
    cause = f"{expected}: {TITLES[name]}: {why}" if expected else f"{TITLES[name]}: {why}"
    manager.step(Event.FAILED, cause, Occurrence(name, began, began, acts=True))
    if expected:
        _tell(ctx, "warning", f"{TITLES[name]}: not proven, as expected", cause, f"{trouble} expected")
        raise SkipRun("server_reset", cause)
    if not ctx.last_attempt:
        raise RecoverableError(cause)
    _tell(ctx, "failure", f"{TITLES[name]}: not proven", f"{cause}\n{AGAIN}.", f"{trouble} degraded")
    raise ToldError(RESTART_DEGRADED, cause, recoverable=True)


def proven(ctx: Context, manager: TWSRestartManager, name: str, said: str) -> None:
    """NORMAL again if this proof had failed before, and who was told of that is told of this."""
    where = manager.current()
    began = _began(where, name)
    if began is None:
        return
    manager.step(Event.VALIDATED, f"{TITLES[name]}: {said}")
    subject = subject_of(name, began)
    if events.raised(ctx.journal, f"{subject} {TROUBLE}", began - MINUTE):
        _tell(ctx, "info", f"{TITLES[name]}: well again", f"{said}\nit was {where.words()}", f"{subject} well")


def _began(where: Where, name: str) -> datetime | None:
    """Since when the state is DEGRADED by this proof."""
    return where.start if where.state is State.DEGRADED and where.window == name else None


def _tell(ctx: Context, severity: str, title: str, body: str, key: str) -> None:
    events.raise_alert(ctx.journal, severity=severity, title=title, body=body, key=key, task=ctx.task, quiet=TOLD_FOR)
