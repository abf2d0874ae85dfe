"""Values that only repeat one behaviour: some of them in `make test`, the others in `make soak`."""

from collections.abc import Collection, Iterable
from typing import Any

import pytest


def thinned(values: Iterable[Any], kept: Collection[Any]) -> list[Any]:
    """All of them for `pytest.mark.parametrize`; those that are not `kept` are marked `soak`."""
    return [pytest.param(value, marks=[] if value in kept else [pytest.mark.soak]) for value in values]
