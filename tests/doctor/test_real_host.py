"""The lines about cron on a host with Debian's real daemon, whose zone is changed and whose daemon ends."""

import json
import sys

import pytest
from ward import Ward

import real_cron
from real_cron import Host, new_york
from v6.paths import ROOT

pytestmark = pytest.mark.integration

QUIET = "2026-11-22 03:22"
"""A minute in which no line fires."""
LINES = ("host zone", "cron", "cron zone", "crontab", "drift")
ASK = """
import json, os, sys
from pathlib import Path
from v6.cron import installed
from v6.doctor.examine import examine
from v6.doctor.patient import Patient
from v6.paths import Paths

root, home, install, *lines = sys.argv[1:]
patient = Patient(Paths(Path(root), Path(home)), {"PATH": os.environ["PATH"]})
if install:
    text = installed.wanted(patient.config, patient.paths, install, "root")
    patient.roots.system_file.write_text(text)
    patient.roots.system_file.chmod(0o644)
print(json.dumps({one.line: [one.state, one.evidence] for one in examine(patient, lines)}))
"""


def ask(there: Host, ward: Ward, *lines: str, install: str = "") -> dict[str, list[str]]:
    """The doctor's lines on that host, after V6's lines were installed there for the zone `install`."""
    command = (sys.executable, "-c", ASK, ward.root, ward.home, install, *lines)
    done = there.run(*command, PYTHONPATH=str(ROOT / "src"))
    assert done.returncode == 0, done.stderr
    told: dict[str, list[str]] = json.loads(done.stdout)
    return told


def test_l01_l07_a_real_daemon_is_seen_and_a_zone_that_changes_under_it_and_its_end(ward: Ward) -> None:
    with real_cron.host("Asia/Tokyo") as there:
        with there.cron(new_york(QUIET)):
            found = ask(there, ward, *LINES, install="Asia/Tokyo")
            assert {line: state for line, (state, _) in found.items()} == dict.fromkeys(LINES, "ok"), found
            assert found["cron zone"][1].startswith("Asia/Tokyo (process ")
            there.set_zone("America/New_York")
            found = ask(there, ward, *LINES)
            assert found["cron zone"][0] == "failed"
            assert "America/New_York" in found["cron zone"][1]
            assert found["cron zone"][1].endswith("but the installed lines are for Asia/Tokyo")
            assert (found["host zone"][0], found["drift"][0]) == ("ok", "failed")
        found = ask(there, ward, "cron")
        assert found["cron"][0] == "failed", found
