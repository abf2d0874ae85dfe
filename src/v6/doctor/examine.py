"""The whole examination: every line of `lines.TABLE`, in its order, whatever is broken."""

from collections.abc import Callable, Iterable, Iterator
from importlib import import_module
from typing import NamedTuple

from v6.analysis.findings import State
from v6.doctor import patience
from v6.doctor.answer import Answer, CannotTell, unknown
from v6.doctor.lines import TABLE
from v6.doctor.patient import Patient

CHECKS = {
    "interpreter": ("environment", "interpreter"),
    "libraries": ("environment", "libraries"),
    "self-test": ("environment", "self_test"),
    "TWS library": ("environment", "tws_library"),
    "configuration": ("configuration", "configuration"),
    "schedule": ("configuration", "schedule"),
    "calendar": ("configuration", "calendar"),
    "scripts": ("files", "scripts"),
    "permissions": ("files", "permissions"),
    "folders": ("files", "folders"),
    "metrics": ("files", "metrics"),
    "disk": ("host", "disk"),
    "host zone": ("host", "host_zone"),
    "tzdata": ("host", "tzdata"),
    "clock": ("host", "host_clock"),
    "cron": ("crontab", "cron"),
    "cron zone": ("crontab", "cron_zone"),
    "crontab": ("crontab", "crontab"),
    "drift": ("crontab", "drift"),
    "firing": ("crontab", "firing"),
    "missed": ("records", "missed"),
    "journal": ("records", "journal"),
    "runs": ("records", "runs"),
    "TWS": ("gateway", "tws"),
    "TWS clock": ("gateway", "tws_clock"),
    "alerts": ("people", "alerts"),
    "heartbeat": ("people", "heartbeat"),
}
"""Line -> module and function. By name: a module that cannot be imported costs its lines, not the examination."""


class Examined(NamedTuple):
    """One line of the report; `cure` is empty where nothing is to be done, or where another line says what."""

    line: str
    state: State
    evidence: str
    cure: str


def examine(patient: Patient, lines: Iterable[str] = tuple(CHECKS)) -> Iterator[Examined]:
    """Line by line, as each is known."""
    try:
        for line in lines:
            answer = _answer(patient, *CHECKS[line])
            cure = answer.cure or (TABLE[line].cure if answer.state is State.FAILED else "")
            yield Examined(line, answer.state, " ".join(answer.evidence.split()), cure)
    finally:
        patient.close()


def _answer(patient: Patient, module: str, name: str) -> Answer:
    """Raises nothing: the doctor is asked when things are broken, in ways that nobody has thought of, and each of its
    lines ends here. What it did not expect is neither well nor wrong (L30)."""
    try:
        with patience.within(patience.LINE_SECONDS):
            check: Callable[[Patient], Answer] = getattr(import_module(f"v6.doctor.{module}"), name)
            return check(patient)
    except (CannotTell, patience.NoAnswer) as why:
        return unknown(str(why))
    except (Exception, SystemExit) as error:  # the examination's edge
        return unknown(f"{type(error).__name__}: {error}")
