"""Files with a schema version and a checksum, replaced whole: whoever reads one finds the old or the new, never half.

    {"kind": "trading_state", "schema": 1, "checksum": "sha256:...", "body": {...}}

The checksum is over the canonical JSON (sorted keys, no blanks, ASCII) of the document without it, so that the file may
be laid out for people.
"""

import hashlib
import json
import os
from collections.abc import Mapping
from contextlib import suppress
from enum import StrEnum
from pathlib import Path
from typing import Any

from v6 import failpoint

FIELDS = ("kind", "schema", "checksum", "body")
TEMPORARY = ".v6-being-written"
LAST_LINE = b"\n}"  # not indented: no inner object ends so


class Flaw(StrEnum):
    """What is wrong with a file. The last four are wrong with what it says, not with the file."""

    MISSING = "missing"
    UNREADABLE = "unreadable"
    EMPTY = "empty"
    TRUNCATED = "truncated"
    NO_DOCUMENT = "no document"
    TAMPERED = "tampered"
    OTHER_KIND = "other kind"
    UNKNOWN_SCHEMA = "unknown schema"
    MALFORMED = "malformed"
    FUTURE = "future"
    TOO_OLD = "too old"
    OTHER_ACCOUNTS = "other accounts"


class Flawed(Exception):  # noqa: N818 - it names what was found
    """`path` cannot be used: `flaw` in a word, `detail` what is wrong and what is allowed."""

    def __init__(self, path: Path, flaw: Flaw, detail: str) -> None:
        super().__init__(f"{path}: {flaw}: {detail}")
        self.path = path
        self.flaw = flaw
        self.detail = detail


def encode(kind: str, schema: int, body: Mapping[str, Any]) -> bytes:
    document = {"kind": kind, "schema": schema, "body": dict(body)}
    document["checksum"] = _checksum(document)
    ordered = {name: document[name] for name in FIELDS}
    return (json.dumps(ordered, indent=1, allow_nan=False) + "\n").encode("ascii")


def content_of(path: Path) -> bytes:
    """Raises Flawed."""
    try:
        return path.read_bytes()
    except FileNotFoundError as error:
        raise Flawed(path, Flaw.MISSING, "there is no such file") from error
    except OSError as error:
        raise Flawed(path, Flaw.UNREADABLE, str(error.strerror)) from error


def decode(path: Path, content: bytes, kind: str, schema: int) -> dict[str, Any]:
    """The body of `content`, which was read from `path`. Raises Flawed."""
    if not content.strip(b"\0 \t\r\n"):
        raise Flawed(path, Flaw.EMPTY, f"it holds nothing ({len(content)} bytes), allowed: a {kind} document")
    try:
        document = json.loads(content)
    except (ValueError, RecursionError) as error:
        flaw = Flaw.NO_DOCUMENT if content.rstrip().endswith(LAST_LINE) else Flaw.TRUNCATED
        raise Flawed(path, flaw, f"it is not whole JSON ({error}), allowed: a {kind} document") from error
    if not isinstance(document, dict) or sorted(document) != sorted(FIELDS) or not isinstance(document["body"], dict):
        raise Flawed(path, Flaw.NO_DOCUMENT, f"it is another JSON, allowed: an object of {', '.join(FIELDS)}")
    claimed = document.pop("checksum")
    try:
        found = _checksum(document)
    except RecursionError as error:
        raise Flawed(path, Flaw.NO_DOCUMENT, f"it is nested too deeply, allowed: a {kind} document") from error
    if claimed != found:
        raise Flawed(path, Flaw.TAMPERED, f"its checksum is {claimed}, its contents have {found}: they were changed")
    if document["kind"] != kind:
        raise Flawed(path, Flaw.OTHER_KIND, f"it is a {document['kind']}, allowed: {kind}")
    if document["schema"] != schema:
        raise Flawed(path, Flaw.UNKNOWN_SCHEMA, f"its schema is {document['schema']}, allowed: {schema}")
    body: dict[str, Any] = document["body"]
    return body


def write_whole(path: Path, content: bytes) -> None:
    """Replace `path`; it outlives the host's sudden end. Raises OSError that names `path`.

    One writer a folder at a time: the temporary name is always the same, so what a killed one left is overwritten."""
    temporary = path.with_name(TEMPORARY)
    try:
        with open(temporary, "wb", opener=_private) as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        failpoint.reach(f"write:{path.name}")
        temporary.replace(path)
        sync_folder(path.parent)
    except OSError as error:
        with suppress(OSError):
            temporary.unlink()
        raise OSError(error.errno, error.strerror, str(path)) from error


def sync_folder(folder: Path) -> None:
    """A rename lasts only when its folder has reached the disk."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _private(path: str, flags: int) -> int:
    """Account numbers are nobody else's business."""
    return os.open(path, flags | os.O_CLOEXEC, 0o600)


def _checksum(document: Mapping[str, Any]) -> str:
    canonical = json.dumps(document, sort_keys=True, separators=(",", ":"))
    return f"sha256:{hashlib.sha256(canonical.encode('ascii')).hexdigest()}"
