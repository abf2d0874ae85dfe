"""Which TWS library is installed here, and whether it is whole: in milliseconds, without importing it.

eventkit (of ib_insync) and aeventkit (of ib_async) install their files into the same module `eventkit`: whichever comes
last overwrites the other, and removing one takes files of the other along. docs/libraries.md, "One event package".
"""

import base64
import csv
import hashlib
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.metadata import Distribution, distributions
from pathlib import Path
from typing import Literal

from v6.gateway.errors import LibraryUnusable

Name = Literal["ib_insync", "ib_async"]
EVENT_PACKAGES: dict[Name, str] = {"ib_insync": "eventkit", "ib_async": "aeventkit"}
MODULE = "eventkit"
SHOWN = 3  # files named in a message


@dataclass(frozen=True, slots=True)
class Installation:
    """`libraries`: those installed, with their versions. `defects`: what is spoilt, each in words. `unverified`: the
    packages without a list of hashes (not installed by pip), whose files cannot be checked."""

    libraries: dict[Name, str]
    defects: tuple[str, ...]
    unverified: tuple[str, ...]

    def require_whole(self) -> None:
        """Raises LibraryUnusable naming every defect and the cure."""
        if self.defects:
            raise LibraryUnusable(f"{'; '.join(self.defects)}: {cure()}")


def look(path: Sequence[str] | None = None) -> Installation:
    """What is installed on `path`, by default this process's own (sys.path): that is looked at once, for what a process
    has imported stays, whatever becomes of the files."""
    return _own(tuple(sys.path)) if path is None else _found(list(path))


@cache
def _own(folders: tuple[str, ...]) -> Installation:
    return _found(list(folders))


def _found(folders: list[str]) -> Installation:
    libraries = {name: found for name in EVENT_PACKAGES if (found := _installed(name, folders))}
    events = {name: found for name in EVENT_PACKAGES.values() if (found := _installed(name, folders))}
    defects: list[str] = []
    unverified: list[str] = []
    if len(events) > 1:
        both = " and ".join(_words(found) for found in events.values())
        defects.append(f"{both} are both installed and overwrite each other's files")
    for library, needed in EVENT_PACKAGES.items():
        if library in libraries and needed not in events:
            defects.append(f"{_words(libraries[library])} is installed without {needed}")
    for name, found in events.items():
        hashes = dict(_recorded(found))
        if not hashes:
            unverified.append(name)
        elif len(events) == 1 and (changed := sorted(file for file in hashes if _hash(found, file) != hashes[file])):
            defects.append(f"{_listed(changed)} of {_words(found)} are not the files it installed")
    versions = {name: found.version or "unknown" for name, found in libraries.items()}
    return Installation(versions, tuple(defects), tuple(unverified))


def choose(wanted: str) -> tuple[Name, str]:
    """The library to use and its version; `auto` takes the one that is installed. Raises LibraryUnusable."""
    found = look()
    found.require_whole()
    for name, version in found.libraries.items():
        if wanted in ("auto", name):
            return name, version
    if wanted == "auto":
        raise LibraryUnusable(f"neither ib_insync nor ib_async is installed: {cure()}")
    present = ", ".join(found.libraries) or "none"
    raise LibraryUnusable(
        f"ibkr.library: {wanted}: it is not installed; installed: {present}. `auto` takes what is installed, "
        f"`make setup LIBRARY={wanted}` installs it in place of the other"
    )


def cure() -> str:
    """The command that makes this environment anew, from its lock file."""
    if sys.prefix == sys.base_prefix:
        return "make an environment of its own for V6: make setup"
    folder = Path(sys.prefix)
    command = "make fresh" if folder.name == ".venv" else f"dev/setup.sh --fresh --venv {folder}"
    return f"make the environment anew, in V6's folder: {command}"


def _installed(name: str, folders: list[str]) -> Distribution | None:
    return next(iter(distributions(name=name, path=folders)), None)


def _words(found: Distribution) -> str:
    return f"{found.metadata['Name']} {found.version}"


def _recorded(found: Distribution) -> Iterator[tuple[str, str]]:
    """The module's files and their hashes as pip wrote them, `sha256=...`."""
    for file, recorded, *_ in csv.reader((found.read_text("RECORD") or "").splitlines()):
        if file.startswith(f"{MODULE}/") and recorded.startswith("sha256="):
            yield file, recorded


def _hash(found: Distribution, file: str) -> str:
    """The same of the file that is there; empty when it is missing."""
    try:
        content = Path(str(found.locate_file(file))).read_bytes()
    except OSError:
        return ""
    return "sha256=" + base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()


def _listed(files: list[str]) -> str:
    more = f" and {len(files) - SHOWN} more" if len(files) > SHOWN else ""
    return ", ".join(files[:SHOWN]) + more
