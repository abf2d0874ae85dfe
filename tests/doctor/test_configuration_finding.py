"""health_check's word after a refused edit: once, and only when somebody had been told of the refusal."""

from contextlib import closing

import pytest
from ward import Ward

from v6.analysis.findings import Finding
from v6.checks import configuration
from v6.cron.present import present
from v6.journal import database, events
from v6.scheduler.compile import Outcome, compile_all

pytestmark = pytest.mark.long
REFUSED = "refused edit: config/production.yaml: ibkr.prot"


def look(ward: Ward) -> tuple[Finding, list[str]]:
    context = ward.patient().context
    with closing(database.connect(ward.paths.journal)) as context.journal:
        found = configuration.configuration(context)
        return found, [alert.title for alert in events.undelivered(context.journal)]


def test_an_edit_that_is_taken_back_is_told_once(at_work: Ward) -> None:
    production = at_work.paths.production_config
    original = production.read_text() if production.exists() else None
    with closing(database.connect(at_work.paths.journal)) as db:
        events.raise_alert(db, severity="failure", title="refused", body="x", key=REFUSED)
    good, context = at_work.paths, at_work.patient().context
    production.write_text("ibkr: {prot: 1}\n")
    assert compile_all(good).outcome == Outcome.REFUSED
    (good.compiled / "rejected" / "told").touch()
    with closing(database.connect(good.journal)) as context.journal:
        assert "a later edit is refused" in configuration.configuration(context).evidence
        assert len(events.undelivered(context.journal)) == 1
    if original is None:
        production.unlink()
    else:
        production.write_text(original)
    for _ in range(2):
        found, titles = look(at_work)
        assert (found.state, titles) == ("ok", ["refused", "the configuration is accepted again"])
    assert not (good.compiled / "rejected" / "told").exists()  # the same edit once more is news


def test_before_anything_is_compiled_nothing_is_known(at_work: Ward) -> None:
    (at_work.paths.compiled / "sources" / "default.yaml").unlink()
    assert look(at_work)[0].state == "could_not_check"


def test_nobody_is_told_that_a_good_configuration_is_good(at_work: Ward) -> None:
    assert look(at_work)[1] == []


def test_what_cron_has_of_this_home_is_read_from_the_installed_file(at_work: Ward) -> None:
    found = present(at_work.paths, at_work.roots)
    assert found is not None
    assert (found.path, found.words()) == (at_work.roots.system_file, "")
    text = at_work.roots.system_file.read_text()
    lines = [f"#{line}" if "scripts/validate_positions.py" in line else line for line in text.splitlines()]
    at_work.roots.system_file.write_text("\n".join(lines) + "\n")
    found = present(at_work.paths, at_work.roots)
    assert found is not None
    assert found.words() == f"commented out in {at_work.roots.system_file}: validate_positions"
    at_work.roots.system_file.unlink()
    found = present(at_work.paths, at_work.roots)
    assert found is not None
    assert "nothing of this V6 is installed" in found.words()
