"""What the simulator models, simplifies and leaves out, and by what right: `fidelity.yaml`, read and printed."""

import textwrap
from pathlib import Path
from typing import NamedTuple

import yaml

TABLE = Path(__file__).with_name("fidelity.yaml")
LEVELS = ("modelled", "simplified", "absent")
WIDTH = 118


class Row(NamedTuple):
    """`source`: a document, a public recording or thread, or "unverified"."""

    level: str
    what: str
    how: str
    source: str


def fidelity() -> list[Row]:
    table = yaml.safe_load(TABLE.read_text(encoding="utf-8"))
    return [Row(level, row["what"], row["how"], row["source"]) for level in LEVELS for row in table[level]]


def about() -> str:
    lines = ["Simulated TWS: what a rehearsal on it is worth"]
    rows = fidelity()
    for level in LEVELS:
        lines += ["", level.upper()]
        for row in rows:
            if row.level == level:
                said = f"{row.what}: {row.how} [{row.source}]"
                lines += textwrap.wrap(
                    said, WIDTH, initial_indent="  ", subsequent_indent="      ", break_on_hyphens=False
                )
    return "\n".join(lines)
