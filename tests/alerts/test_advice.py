"""Every alert that anything raises is explained, and the page for operators says the same as the code."""

import ast
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest

from v6.alerts import advice, templates
from v6.clock import NEW_YORK
from v6.journal.events import Alert
from v6.paths import ROOT

AT = datetime(2026, 11, 27, 10, 35, tzinfo=NEW_YORK)


def raised() -> Iterator[tuple[str, ast.expr]]:
    """Where an alert is raised, and the expression of its key."""
    for path in sorted((ROOT / "src" / "v6").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "attr", getattr(node.func, "id", "")) == "raise_alert":
                yield from ((_place(path, node), word.value) for word in node.keywords if word.arg == "key")


def _place(path: Path, node: ast.AST) -> str:
    return f"{path.relative_to(ROOT)}:{getattr(node, 'lineno', 0)}"


def beginnings(key: ast.expr) -> str | None:
    """The constant text a key begins with; None when it is computed elsewhere."""
    if isinstance(key, ast.Constant):
        return str(key.value)
    if isinstance(key, ast.Subscript):
        return beginnings(key.value)
    if isinstance(key, ast.JoinedStr) and isinstance(key.values[0], ast.Constant):
        return str(key.values[0].value)
    return None


def test_every_key_that_is_raised_is_explained() -> None:
    known = {place: text for place, key in raised() if (text := beginnings(key)) is not None}
    assert len(known) > 8
    assert {place: text for place, text in known.items() if advice.of(text) is None} == {}


@pytest.mark.parametrize(
    "key",
    [
        "TWS is hung",
        "TWS needs a person",
        "failed:toy:",
        "incomplete:collect_option_snapshots",
        "pre_restart away daily_restart 2026-11-23T23:45:00-0500",
        "refused edit: config/production.yaml: x",
        "restart daily_restart 2026-11-23T23:45:00-0500 trouble overdue",
        "session_disconnected",
        "supervisor:toy: the supervisor failed",
        "waiting for a login 2026-11-29",
    ],
)
def test_keys_that_are_put_together_elsewhere_are_explained_too(key: str) -> None:
    assert advice.of(key) is not None


def test_the_page_for_operators_says_the_same() -> None:
    page = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    for kind in advice.KINDS.values():
        assert f"| {kind.name} |" in page
        assert kind.meaning in page


def alert(number: int, key: str, body: str = "why", severity: str = "failure") -> Alert:
    return Alert(number, AT, severity, f"title {number}", body, None, key, None, 0, "")


def test_a_failure_says_what_to_do_about_its_reasons() -> None:
    message = templates.message([alert(1, "failed:health_check:disk,crontab")])
    assert "What to do: make room" in message.body
    assert "install_scheduler.sh" in message.body
    assert message.body.endswith("2026-11-27 10:35:00 EST")
    assert "`v6 why toy SLOT`" in templates.message([alert(1, "failed:toy:")]).body


def test_what_the_job_says_to_do_is_not_said_twice() -> None:
    body = templates.message([alert(1, "positions:1", "broken\nwhat to do: docs/data.md")]).body
    assert body.lower().count("what to do") == 1


def test_a_list_names_the_worst_first_and_the_same_once() -> None:
    same = [alert(number, "failed:toy:")._replace(title="toy failed") for number in range(1, 4)]
    message = templates.message([alert(9, "recovered:toy", severity="info"), *same])
    assert (message.severity, message.title) == ("failure", "V6: 4 alerts, 3 failures")
    lines = message.body.splitlines()
    assert lines[0] == "11-27 10:35 toy failed (3 times, this is the latest): why"
    assert lines[1] == "11-27 10:35 title 9: why"


def test_a_body_is_never_longer_than_services_take() -> None:
    assert len(templates.message([alert(1, "failed:toy:", "x" * 50_000)]).body) < 6100
