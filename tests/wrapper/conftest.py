"""A compiled checkout with the whole default schedule, its path with a space."""

from pathlib import Path

import pytest

import toy_checkout
from toy_checkout import ToyCheckout

FULL = Path(__file__).resolve().parents[1] / "scheduler" / "full_schedule.yaml"


@pytest.fixture(scope="session")
def full(tmp_path_factory: pytest.TempPathFactory) -> ToyCheckout:
    return toy_checkout.make(tmp_path_factory.mktemp("full"), configuration=FULL.read_text())


@pytest.fixture
def site(full: ToyCheckout, tmp_path: Path) -> ToyCheckout:
    """The same checkout with a home of its own."""
    return full.with_home(tmp_path / "site")
