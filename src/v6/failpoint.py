"""Named moments at which a test kills the process as `kill -9` would. Without V6_FAILPOINT they do nothing."""

import os
import signal


def reach(name: str) -> None:
    """Die here, without any clean-up, when the environment asks for it."""
    if os.environ.get("V6_FAILPOINT") == name:
        os.kill(os.getpid(), signal.SIGKILL)
