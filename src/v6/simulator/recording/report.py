"""A comparison for a person and for a program."""

import json
from collections.abc import Mapping
from pathlib import Path

from v6.simulator.message_names import OUTGOING
from v6.simulator.recording.compare import Comparison
from v6.simulator.recording.file import Recording

SHOWN_NOTES = 20


def as_json(path: Path, recording: Recording, found: Comparison) -> str:
    return json.dumps(
        {
            "recording": str(path),
            "date": recording.date.isoformat(),
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
    from rich.console import Console
    from rich.table import Table

    console = Console(soft_wrap=False)
    versions = ", ".join(sorted({str(talk.version) for talk in recording.conversations}))
    console.print(f"{path.name}: {recording.date:%Y-%m-%d %H:%M %z}, version {versions}", markup=False)
    seen = Table("message", "id", "recorded", "ours", "differences")
    for kind, name in _kinds(found).items():
        differing = sum(difference.message == name for difference in found.differences)
        seen.add_row(name, str(kind), str(found.recorded[kind]), str(found.ours[kind]), str(differing or ""))
    console.print(seen)
    if found.differences:
        table = Table("what", "message", "field", "asked by", "recorded", "ours", show_lines=True)
        for difference in found.differences:
            table.add_row(*map(_plain, difference))
        console.print(table)
    for line in [*found.not_compared, *recording.notes, *found.notes][:SHOWN_NOTES]:
        console.print(f"note: {line}", markup=False)
    count = len(found.differences)
    console.print("nothing differs" if not count else f"{count} difference{'s' if count > 1 else ''}")


def _plain(text: str) -> str:
    from rich.markup import escape

    return escape(text)


def _kinds(found: Comparison) -> Mapping[int, str]:
    return {kind: OUTGOING.get(kind, f"message {kind}") for kind in sorted(found.recorded | found.ours)}
