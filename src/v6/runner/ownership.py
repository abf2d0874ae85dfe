"""State belongs to one user: files that another one made would lock the real one out."""

import os
import pwd
from contextlib import suppress
from pathlib import Path

from v6.model import FatalError


def require_own(var: Path, command: str) -> None:
    """Raises FatalError with the command to use instead, as the wrapper does."""
    with suppress(FileNotFoundError):
        owner = var.stat().st_uid
        if owner != os.geteuid():
            raise FatalError(f"{var} belongs to {user_name(owner)}; run instead: sudo -u {user_name(owner)} {command}")


def user_name(uid: int) -> str:
    """As the host knows the user."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"#{uid}"
