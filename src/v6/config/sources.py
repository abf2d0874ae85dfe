"""The files a configuration is made of, read once: what is validated is byte for byte what is recorded as compiled."""

from dataclasses import dataclass
from pathlib import Path

from v6.config.errors import ConfigError
from v6.paths import Paths

NAMES = ("default.yaml", "production.yaml", "env", "calendar_overrides.yaml")


@dataclass(frozen=True, slots=True)
class Source:
    """One file. `content` is None when it does not exist; `label` is how messages call it."""

    path: Path
    label: str
    content: bytes | None

    def text(self) -> str:
        """Its text, "" when absent. Raises ConfigError when it is not UTF-8."""
        try:
            return (self.content or b"").decode()
        except UnicodeDecodeError as error:
            raise ConfigError(f"{self.label}: byte {error.start} is not UTF-8 text") from error


Sources = dict[str, Source]


def read_sources(paths: Paths) -> Sources:
    """The four files by the names they are copied under (NAMES). Raises ConfigError when one cannot be read."""
    places = (paths.default_config, paths.production_config, paths.dotenv, paths.calendar_overrides)
    sources = {name: _read(place, paths) for name, place in zip(NAMES, places, strict=True)}
    if sources["default.yaml"].content is None:
        raise ConfigError(f"{paths.default_config}: does not exist; it belongs to the checkout")
    production = sources["production.yaml"]
    if production.content is None and production.path != paths.home / "config" / "production.yaml":
        raise ConfigError(f"V6_CONFIG: {production.path}: does not exist")
    return sources


def compiled_sources(paths: Paths) -> Sources | None:
    """The copies the schedule in force was compiled from, None before the first compilation."""
    folder = paths.compiled / "sources"
    sources = {name: _read(folder / name, paths) for name in NAMES}
    return None if sources["default.yaml"].content is None else sources


def _read(path: Path, paths: Paths) -> Source:
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        content = None
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from error
    return Source(path, _label(path, paths), content)


def _label(path: Path, paths: Paths) -> str:
    for base in (paths.home, paths.root):
        if path.is_relative_to(base):
            return str(path.relative_to(base))
    return str(path)
