"""Where things live. `root` is the checkout (code, scripts, default configuration); `home` is what this installation
owns (state, logs, its own configuration): `$V6_HOME`, by default the checkout itself. Standard library only."""

import os
from collections.abc import Mapping
from pathlib import Path

from v6 import places

ROOT = Path(places.ROOT)


class Paths:
    """Every place V6 reads or writes, derived from root and home."""

    def __init__(self, root: Path, home: Path, config: Path | None = None) -> None:
        self.root = root
        self.home = home
        self.scripts = root / "scripts"
        self.default_config = root / "config" / "default.yaml"
        self.production_config = config or home / "config" / "production.yaml"
        self.calendar_overrides = home / "config" / "calendar_overrides.yaml"
        self.dotenv = home / places.STATE["dotenv"]
        self.var = home / places.STATE["var"]
        self.journal = home / places.STATE["journal"]
        self.compiled = home / places.STATE["compiled"]
        self.locks = home / places.STATE["locks"]
        self.leases = home / places.STATE["leases"]
        self.slots = home / places.STATE["slots"]
        self.runs = home / places.STATE["runs"]
        self.state = home / places.STATE["state"]

    @classmethod
    def locate(cls, environ: Mapping[str, str] = os.environ) -> "Paths":
        home = Path(places.home(environ))
        config = environ.get("V6_CONFIG")
        return cls(ROOT, home, Path(config).absolute() if config else None)
