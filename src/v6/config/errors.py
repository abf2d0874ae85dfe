"""The one way configuration is refused."""

from v6.model import FatalError


class ConfigError(FatalError):
    """`problems`: one line each, `file: path.to.key: what is wrong, what is allowed`."""

    def __init__(self, *problems: str) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems
