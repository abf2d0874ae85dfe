"""Files that are replaced whole: whoever reads one finds the old or the new text, never half of it."""

import os
from contextlib import suppress
from pathlib import Path


def write_whole(path: Path, text: str, *, sync: bool = False) -> None:
    """`sync`: it also outlives the host's sudden end. Raises OSError that names `path`; nothing temporary is left."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with temporary.open("w", encoding="utf-8") as file:
            file.write(text)
            if sync:
                file.flush()
                os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        with suppress(OSError):
            temporary.unlink()
        raise OSError(error.errno, error.strerror, str(path)) from None
    except BaseException:
        with suppress(OSError):
            temporary.unlink()
        raise
