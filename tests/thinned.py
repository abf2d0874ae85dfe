"""Values that only repeat one behaviour: some of them in `make test`, the others in `make soak`."""

from collections.abc import Callable, Collection, Iterable
from typing import Any

import pytest


def thinned(values: Iterable[Any], kept: Callable[[Any], bool] | Collection[Any]) -> list[Any]:
    """All of them for `pytest.mark.parametrize`; those that are not `kept` are marked `soak`."""
    keep = kept if callable(kept) else kept.__contains__
    return [
        pytest.param(*(value if isinstance(value, tuple) else (value,)), marks=[] if keep(value) else [pytest.mark.soak])
        for value in values
    ]
