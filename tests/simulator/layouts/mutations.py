"""Every way one field of a message can go wrong: lost, exchanged with its neighbour, replaced by another value."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from layouts.case import Case
from layouts.check import decoded_complaints, layout_complaints, reads
from layouts.decode import decoded

UNSET = "1.7976931348623157E308"


def different(value: str) -> str:
    """Another value of the same kind, so that only its meaning can be noticed: no number becomes a word."""
    if value in ("0", "1"):
        return "1" if value == "0" else "0"
    if value == "":
        return "7"
    if value == UNSET:
        return "7.5"
    try:
        return str(int(value) + 1) if value.lstrip("-").isdigit() else repr(float(value) + 1)
    except ValueError:
        return value[:-1] + ("Y" if value[-1] != "Y" else "Z")


def mutants(fields: list[str]) -> Iterator[tuple[str, int, list[str]]]:
    """What was done, to which field, and the fields after it."""
    for place, value in enumerate(fields):
        before, after = fields[:place], fields[place + 1 :]
        yield "dropped", place, before + after
        yield "replaced", place, [*before, different(value), *after]
        if after and after[0] != value:
            yield "swapped", place, [*before, after[0], value, *after[1:]]


@dataclass
class Score:
    """Mutants of one builder: how many there were, how many the checks noticed; `read` those a decoder exists for."""

    made: int = 0
    noticed: int = 0
    read: int = 0
    noticed_by_decoder: int = 0
    survivors: Counter[str] = field(default_factory=Counter)
    forgiven: Counter[str] = field(default_factory=Counter)


def score(case: Case, library: str, read: Callable[..., Any], into: Score) -> None:
    """Runs the checks of the layout tests on every mutant of every layout of `case`.

    A version whose frame and decoder are those of the version before would say the same again.
    """
    before = None
    for version in case.versions:
        readable = reads(case, library, version)
        layout = (readable, case.fields(version))
        if layout == before:
            continue
        before = layout
        for what, place, fields in mutants(case.fields(version)):
            literal = bool(layout_complaints(case, version, fields))
            meaning = readable and bool(decoded_complaints(case, library, version, decoded(read, version, fields)))
            into.made += 1
            into.noticed += literal or meaning
            into.read += readable
            into.noticed_by_decoder += meaning
            if not (literal or meaning):
                into.survivors[f"{case}: field {place} {what}"] += 1
            if readable and not meaning:
                into.forgiven[f"{case}: field {place} {what}"] += 1
