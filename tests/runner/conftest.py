"""One compiled checkout full of toys; every test uses a task of its own."""

from pathlib import Path

import pytest

import toy_checkout
from toy_checkout import ToyCheckout


@pytest.fixture(scope="session")
def toys(tmp_path_factory: pytest.TempPathFactory) -> ToyCheckout:
    return toy_checkout.make(tmp_path_factory.mktemp("toys"))


@pytest.fixture
def fresh_toys(toys: ToyCheckout, tmp_path: Path) -> ToyCheckout:
    """The same checkout with a home of its own: its alerts and switches are the test's."""
    return toys.with_home(tmp_path / "fresh")
