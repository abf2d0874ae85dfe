"""audit_data_integrity as cron runs it: exit 1 when something is wrong, and a result that others can ask for."""

import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from upkeep_desk import DAY, SNAPSHOTS, UpkeepDesk, at
from v6.journal import audits
from v6.paths import ROOT
from v6.upkeep.closing import close_day

pytestmark = pytest.mark.integration


def test_a_clean_lake_is_exit_0_and_a_lost_file_exit_1(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    desk = UpkeepDesk(home, monkeypatch)
    desk.collect()
    close_day(desk.ctx, DAY)
    desk.now(at("15:00", DAY + timedelta(days=1)))
    command = [sys.executable, str(ROOT / "scripts" / "audit_data_integrity.py")]

    clean = subprocess.run(command, capture_output=True, text=True, env=os.environ, check=False)

    assert clean.returncode == 0, clean.stderr
    assert audits.objection(desk.ctx.journal) == ""
    assert "second reader: ok: DuckDB" in clean.stderr
    for file in (home / "var" / "lake" / SNAPSHOTS / "trade_date=2026-11-20").glob("*.parquet"):
        file.unlink()

    spoilt = subprocess.run(command, capture_output=True, text=True, env=os.environ, check=False)

    assert spoilt.returncode == 1
    assert "files: failed: option_snapshots: trade_date=2026-11-20" in spoilt.stderr
    assert "failed (files, closed days, second reader" in audits.objection(desk.ctx.journal)
    desk.ctx.journal.close()
