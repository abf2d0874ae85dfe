"""`v6 simulator verify FILE`: do our answers look like the recorded ones? Values may differ, forms may not."""

import argparse
import asyncio
import sys
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from v6 import clock
from v6.simulator.recording.compare import Comparison, Talk, compare
from v6.simulator.recording.embedded import play
from v6.simulator.recording.file import Recording, RecordingError, read
from v6.simulator.recording.report import as_json, print_tables

SAME, DIFFERENT, UNREADABLE = 0, 1, 2
PATIENCE = 2.0
VERSIONS = range(157, 179)


def parser() -> argparse.ArgumentParser:
    build = argparse.ArgumentParser(prog="v6.simulator verify", description=__doc__,
                                    epilog="exit: 0 nothing differs, 1 differences, 2 not readable")  # fmt: skip
    build.add_argument("file", type=Path, help="written by v6 simulator record")
    build.add_argument("--json", action="store_true")
    build.add_argument("--calendar", type=Path, help="compiled calendar.txt; without: every weekday is a session")
    build.add_argument("--at", metavar="TIME", help='play it at that New York time: "2026-11-24 10:35"')
    build.add_argument("--patience", type=float, default=PATIENCE, metavar="SECONDS",
                       help=f"wait that long for each kind of recorded answer (default {PATIENCE})")  # fmt: skip
    return build


def verify(recording: Recording, calendar: Path | None = None, patience: float = PATIENCE) -> Comparison:
    """Raises RecordingError for one that cannot be played, OSError."""
    for talk in recording.conversations:
        if talk.version not in VERSIONS:
            raise RecordingError(f"connection {talk.number} speaks version {talk.version}; "
                                 f"the simulator speaks {VERSIONS[0]} to {VERSIONS[-1]}")  # fmt: skip
    try:
        played = asyncio.run(play(recording, calendar, patience))
    except (ValueError, OverflowError, asyncio.IncompleteReadError) as error:
        raise RecordingError(f"cannot be played: {error}") from None
    return compare(
        Talk(talk.number, talk.version, talk.handshake, player.handshake, talk.messages, player.heard)
        for talk, player in played
    )


def main(arguments: list[str] | None = None) -> int:
    given = parser().parse_args(arguments)
    try:
        recording = read(given.file)
        if given.at:
            recording = replace(recording, date=datetime.fromisoformat(given.at).replace(tzinfo=clock.NEW_YORK))
        found = verify(recording, given.calendar, given.patience)
    except (RecordingError, OSError, ValueError) as error:
        sys.stderr.write(f"verify: {error}\n")
        return UNREADABLE
    if given.json:
        sys.stdout.write(as_json(given.file, recording, found) + "\n")
    else:
        print_tables(given.file, recording, found)
    return DIFFERENT if found.differences else SAME


if __name__ == "__main__":
    raise SystemExit(main())
