"""TWS: the verdict of `v6 gateway diagnose`, and its clock against ours."""

from contextlib import suppress

from v6 import clock
from v6.doctor.answer import Answer, CannotTell, unknown, well, wrong
from v6.doctor.patient import Patient

SKEW = "clock_skew_seconds"
"""In the wire's facts of a diagnosis."""


def tws(patient: Patient) -> Answer:
    """Where TWS is expected to be away, its absence is no failure."""
    from v6.gateway.verdicts import Verdict
    from v6.restart.windows import current

    found = patient.diagnosis
    words = ": ".join(filter(None, (f"{found.row.words} ({found.place})", found.detail)))
    if found.verdict is Verdict.HEALTHY:
        return well(words)
    if found.verdict is Verdict.COULD_NOT_CHECK:
        return unknown(words, found.row.cure)
    with suppress(CannotTell):
        if window := current(patient.schedule.windows, clock.now()):
            return unknown(f"{words}; inside {window}: TWS is expected to be away")
    return wrong(words, found.row.cure)


def tws_clock(patient: Patient) -> Answer:
    """TWS tells whole seconds, so one more than the limit is allowed."""
    skew = patient.diagnosis.wire.get(SKEW)
    if skew is None:
        return unknown("TWS did not tell its time, see the line TWS")
    limit = patient.config.settings.health.max_clock_skew_seconds
    words = f"TWS {skew:+.1f} s from this host's clock, allowed {limit:g} s"
    return well(words) if abs(skew) <= limit + 1 else wrong(words)
