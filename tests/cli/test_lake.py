"""`v6 lake status | compact`."""

from collections.abc import Callable
from typing import Any

from typer.testing import Result


def test_an_empty_lake_says_so(v6: Callable[..., Result], answer: Callable[..., Any]) -> None:
    assert "no table has been written yet" in v6("lake", "status").stdout
    assert "no table has been written yet" in v6("lake", "compact").stdout
    assert answer("lake", "status") == []
