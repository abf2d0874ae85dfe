"""What a set of checks amounts to. Pure.

A check that could not run is its own state: never `ok`, and never `failed` either.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    OK = "ok"
    FAILED = "failed"
    COULD_NOT_CHECK = "could_not_check"


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found; `evidence` are the figures that a person can verify."""

    check: str
    state: State
    evidence: str

    def __str__(self) -> str:
        return f"{self.check}: {self.state}: {self.evidence}"


def ok(check: str, evidence: str) -> Finding:
    return Finding(check, State.OK, evidence)


def failed(check: str, evidence: str) -> Finding:
    return Finding(check, State.FAILED, evidence)


def could_not_check(check: str, why: str) -> Finding:
    return Finding(check, State.COULD_NOT_CHECK, why)


def of_problems(check: str, problems: Sequence[str], evidence: str, named: int = 5) -> Finding:
    """Failed with the first `named` of the problems and how many more there are, or ok where there is none."""
    if not problems:
        return ok(check, evidence)
    more = [f"and {len(problems) - named} more"] if len(problems) > named else []
    return failed(check, "; ".join([*problems[:named], *more]))


def of_state(findings: Sequence[Finding], state: State) -> list[Finding]:
    return [finding for finding in findings if finding.state is state]


def words(findings: Sequence[Finding]) -> str:
    """One line: counts, then the name and evidence of everything that is not ok."""
    counts = [f"{len(of_state(findings, state))} {state}" for state in State if of_state(findings, state)]
    others = [str(finding) for finding in findings if finding.state is not State.OK]
    return "; ".join([", ".join(counts) or "nothing checked", *others])
