"""`v6 simulator verify FILE`: do our answers look like the recorded ones? Values may differ, forms may not."""

import argparse
import asyncio
import sys
from datetime import datetime
from pathlib import Path

from v6 import clock
from v6.model import V6Error
from v6.simulator.recording.compare import Comparison, Talk, compare
from v6.simulator.recording.embedded import play
from v6.simulator.recording.file import Recording, RecordingError, read
from v6.simulator.recording.moment import moment, placed_at
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
    build.add_argument("--at", metavar="TIME", help='play it at that New York time: "2026-11-24 10:35"; without: when '
                       "it was recorded, by the clock of TWS")  # fmt: skip
    build.add_argument("--patience", type=float, default=PATIENCE, metavar="SECONDS",
                       help=f"wait that long for each kind of recorded answer (default {PATIENCE})")  # fmt: skip
    return build


def verify(
    recording: Recording, calendar: Path | None = None, patience: float = PATIENCE, at: datetime | None = None
) -> Comparison:
    """`at`: play it then. Raises RecordingError for one that cannot be played, OSError."""
    for talk in recording.conversations:
        if talk.version not in VERSIONS:
            raise RecordingError(f"connection {talk.number} speaks version {talk.version}; "
                                 f"the simulator speaks {VERSIONS[0]} to {VERSIONS[-1]}")  # fmt: skip
    try:
        when = moment(recording, calendar, at)
        played = asyncio.run(play(placed_at(recording, when), calendar, patience))
    except (ValueError, OverflowError, asyncio.IncompleteReadError) as error:
        raise RecordingError(f"cannot be played: {error}") from None
    talks = (Talk(talk.number, talk.version, talk.handshake, player.handshake, talk.messages, player.heard)
             for talk, player in played)  # fmt: skip
    return compare(talks, when)


def _time(text: str) -> datetime:
    """Raises ValueError."""
    try:
        return datetime.fromisoformat(text).replace(tzinfo=clock.NEW_YORK)
    except ValueError:
        raise ValueError(f'--at {text}: allowed a New York time such as "2026-11-24 10:35"') from None


def main(arguments: list[str] | None = None) -> int:
    given = parser().parse_args(arguments)
    try:
        recording = read(given.file)
        found = verify(recording, given.calendar, given.patience, _time(given.at) if given.at else None)
    except (RecordingError, OSError, ValueError, V6Error) as error:
        sys.stderr.write(f"verify: {error}\n")
        return UNREADABLE
    if given.json:
        sys.stdout.write(as_json(given.file, recording, found) + "\n")
    else:
        print_tables(given.file, recording, found)
    return DIFFERENT if found.differences else SAME


if __name__ == "__main__":
    raise SystemExit(main())
