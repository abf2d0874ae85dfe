"""numpy while a TWS library is imported. Both import it for array operators that nothing here uses: a third of their
time and 20 MB, in every job. A place holder is put there instead, which becomes numpy as soon as somebody asks it."""

import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from types import ModuleType
from typing import Any

NAME = "numpy"


class Later(ModuleType):
    """Who imports it meanwhile, in whatever thread, has numpy when they use it."""

    def __getattr__(self, name: str) -> Any:
        forget(self)
        return getattr(importlib.import_module(NAME), name)


@contextmanager
def only_when_used() -> Iterator[None]:
    """Without effect where numpy is imported already, or not installed."""
    spec = None if NAME in sys.modules else find_spec(NAME)
    if spec is None:
        yield
        return
    later = Later(NAME)
    later.__spec__ = spec  # who looks whether it is installed asks for that
    sys.modules.setdefault(NAME, later)
    try:
        yield
    finally:
        forget(later)


def forget(later: Later) -> None:
    """The next import is numpy's own."""
    if sys.modules.get(NAME) is later:
        sys.modules.pop(NAME, None)
