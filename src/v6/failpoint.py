"""Named moments at which a test kills the process as `kill -9` would. Without V6_FAILPOINT they do nothing."""

import os
import signal


def reach(name: str) -> None:
    """Die here, without any clean-up, when the environment asks for it: one name, or several with commas."""
    if name in os.environ.get("V6_FAILPOINT", "").split(","):
        os.kill(os.getpid(), signal.SIGKILL)
