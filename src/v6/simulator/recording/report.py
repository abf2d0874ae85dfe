"""A comparison for a person and for a program."""

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from v6.simulator.message_names import OUTGOING
from v6.simulator.recording.compare import Comparison
from v6.simulator.recording.file import Recording

SHOWN_NOTES = 20


def as_json(path: Path, recording: Recording, found: Comparison) -> str:
    return json.dumps(
        {
            "recording": str(path),
            "date": found.moment.at.isoformat(),
            "date_by": found.moment.by,
            "market_closed": found.moment.closed,
            "versions": sorted({talk.version for talk in recording.conversations}),
            "differences": [difference._asdict() for difference in found.differences],
            "messages": [
                {"id": kind, "name": name, "recorded": found.recorded[kind], "ours": found.ours[kind]}
                for kind, name in _kinds(found).items()
            ],
            "not_compared": found.not_compared,
            "notes": [*recording.notes, *found.notes],
        },
        indent=1,
    )


def print_tables(path: Path, recording: Recording, found: Comparison) -> None:
    """Plain text: whoever has only the simulator has no library for tables."""
    sys.stdout.write("\n".join(_lines(path, recording, found)) + "\n")


def _lines(path: Path, recording: Recording, found: Comparison) -> Iterable[str]:
    versions = ", ".join(sorted({str(talk.version) for talk in recording.conversations}))
    yield f"{path.name}: version {versions}, played at {found.moment}"
    yield ""
    differing = [difference.message for difference in found.differences]
    rows = [(name, kind, found.recorded[kind], found.ours[kind], differing.count(name) or "")
            for kind, name in _kinds(found).items()]  # fmt: skip
    yield from _table([("message", "id", "recorded", "ours", "differences"), *rows])
    yield ""
    for difference in found.differences:
        place = " ".join(filter(None, (difference.message, difference.field)))
        asked = f", asked by {difference.asked}" if difference.asked else ""
        said = f"{difference.recorded}, ours {difference.ours}" if difference.ours else difference.recorded
        yield f"{difference.what}: {place}{asked}: recorded {said}"
    for line in found.not_compared:
        yield f"not compared: {line}"
    for line in [*recording.notes, *found.notes][:SHOWN_NOTES]:
        yield f"note: {line}"
    count = len(found.differences)
    yield "nothing differs" if not count else f"{count} difference{'s' if count > 1 else ''}"


def _table(rows: Sequence[Sequence[object]]) -> Iterable[str]:
    widths = [max(len(str(row[place])) for row in rows) for place in range(len(rows[0]))]
    for row in rows:
        cells = (str(cell).rjust(width) if place else str(cell).ljust(width)
                 for place, (cell, width) in enumerate(zip(row, widths, strict=True)))  # fmt: skip
        yield "  ".join(cells).rstrip()


def _kinds(found: Comparison) -> Mapping[int, str]:
    return {kind: OUTGOING.get(kind, f"message {kind}") for kind in sorted(found.recorded | found.ours)}
