"""What the doctor says of one line. Standard library only: it speaks also where no library is left."""

from dataclasses import dataclass

from v6.analysis.findings import Finding, State


@dataclass(frozen=True, slots=True)
class Answer:
    """`cure`: what to do in this case; "": what `lines.TABLE` says of the line."""

    state: State
    evidence: str
    cure: str = ""


class CannotTell(Exception):  # noqa: N818 - it names what happened
    """What a line needs to look at is not there; the message says what, another line says why and what to do."""


def well(evidence: str) -> Answer:
    return Answer(State.OK, evidence)


def wrong(evidence: str, cure: str = "") -> Answer:
    return Answer(State.FAILED, evidence, cure)


def unknown(why: str, cure: str = "") -> Answer:
    return Answer(State.COULD_NOT_CHECK, why, cure)


def of(finding: Finding, cure: str = "") -> Answer:
    """A finding of health_check's as the doctor's."""
    return Answer(finding.state, finding.evidence, cure)


def judged(problems: list[str], evidence: str, cure: str = "", named: int = 4) -> Answer:
    """Wrong with the first problems and how many more there are, or well."""
    if not problems:
        return well(evidence)
    more = [f"and {len(problems) - named} more"] if len(problems) > named else []
    return wrong("; ".join([*problems[:named], *more]), cure)
