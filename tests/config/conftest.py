"""A checkout of its own for every configuration test, and a site that the test writes."""

from collections.abc import Callable
from pathlib import Path

import pytest

from checkout import make_checkout
from v6.paths import Paths


@pytest.fixture
def paths(home: Path, tmp_path: Path) -> Paths:
    return make_checkout(tmp_path / "checkout", home)


@pytest.fixture
def site(paths: Paths) -> Callable[[str], None]:
    """Write the site's production.yaml."""

    def write(text: str) -> None:
        paths.production_config.write_text(text)
        paths.production_config.chmod(0o600)

    return write


@pytest.fixture
def dotenv(paths: Paths) -> Callable[[str], None]:
    """Write the site's .env."""

    def write(text: str) -> None:
        paths.dotenv.write_text(text)
        paths.dotenv.chmod(0o600)

    return write
