"""Where things live. `root` is the checkout (code, scripts, default configuration); `home` is what this installation
owns (state, logs, its own configuration): `$V6_HOME`, by default the checkout itself. Standard library only."""

import os
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


class Paths:
    """Every place V6 reads or writes, derived from root and home."""

    def __init__(self, root: Path, home: Path, config: Path | None = None) -> None:
        self.root = root
        self.home = home
        self.scripts = root / "scripts"
        self.default_config = root / "config" / "default.yaml"
        self.production_config = config or home / "config" / "production.yaml"
        self.calendar_overrides = home / "config" / "calendar_overrides.yaml"
        self.dotenv = home / ".env"
        self.var = home / "var"
        self.journal = self.var / "v6.db"
        self.compiled = self.var / "compiled"
        self.locks = self.var / "locks"
        self.leases = self.var / "leases"
        self.slots = self.var / "slots"
        self.runs = self.var / "run"
        self.state = self.var / "state"

    @classmethod
    def locate(cls, environ: Mapping[str, str] = os.environ) -> "Paths":
        home = Path(environ.get("V6_HOME") or ROOT).absolute()
        config = environ.get("V6_CONFIG")
        return cls(ROOT, home, Path(config).absolute() if config else None)
