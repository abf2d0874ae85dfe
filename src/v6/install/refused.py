"""Why nothing is installed."""

from v6.model import FatalError


class RefusedError(FatalError):
    """Nothing was changed. `problems`: one a line."""

    def __init__(self, *problems: str) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems
