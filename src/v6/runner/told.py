"""The failure of a run that has told the operator itself."""

from v6.model import V6Error
from v6.runner.notices import TOLD_BY_THE_JOB


class ToldError(V6Error):
    """Ends the run like any failure, but the supervisor says nothing of it. `reason`: one of TOLD_BY_THE_JOB;
    when `recoverable`, the run is tried again, but for the reasons in NOT_RETRIED."""

    def __init__(self, reason: str, words: str, *, recoverable: bool) -> None:
        if reason not in TOLD_BY_THE_JOB:
            raise ValueError(f"reason {reason!r}: the supervisor knows only {', '.join(sorted(TOLD_BY_THE_JOB))}")
        super().__init__(words)
        self.reason = reason
        self.recoverable = recoverable
