"""The end of a log, for a message. Standard library only."""

import os

LONGEST_LINE = 300
READ_BYTES = 65_536


def tail(path: str, lines: int) -> list[str]:
    """The last lines of the file, each shortened; none when it cannot be read."""
    try:
        with open(path, "rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - READ_BYTES))
            text = file.read().decode("utf-8", "replace")
    except OSError:
        return []
    found = [line.rstrip() for line in text.splitlines() if line.strip()]
    return [line[:LONGEST_LINE] for line in found[-lines:]] if lines else []
