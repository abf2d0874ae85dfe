"""The host's programs, asked for their words: with a time limit, nothing to read, and an environment of our own."""

import subprocess

PATH = "/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin"
SECONDS = 60


def ask(*command: str, seconds: float = SECONDS, errors: str = "replace") -> "subprocess.CompletedProcess[str]":
    """Raises OSError when it cannot be started or does not answer."""
    try:
        return subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors=errors,
            timeout=seconds,
            check=False,
            env={"PATH": PATH, "LC_ALL": "C"},
        )
    except subprocess.TimeoutExpired as error:
        raise TimeoutError(f"{' '.join(command[:2])} does not answer in {seconds:g} s") from error
