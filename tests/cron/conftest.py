"""A compiled checkout whose only enabled tasks are toys, on a host of its own with a real cron daemon."""

import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import yaml

import real_cron
import toy_checkout
from real_cron import Host
from toy_checkout import ToyCheckout
from v6.paths import ROOT
from v6.rehearsal.stage import Quoted

MakeHost = Callable[[str], Host]
Install = Callable[..., "subprocess.CompletedProcess[str]"]

TIMES = {"toy_morning": "09:35", "toy_skipped_hour": "02:30", "toy_repeated_hour": "01:30"}


def tasks() -> dict[str, object]:
    """Every task of the defaults is disabled; the toys are due once a day, at New York times."""
    listed = yaml.safe_load((ROOT / "config" / "default.yaml").read_text(encoding="utf-8"))["scheduler"]["tasks"]
    toys: dict[str, dict[str, object]] = {
        name: {
            "script": "scripts/toy.py",
            "args": ["--do", "succeed", "--seconds", str(number)],
            "description": f"A toy at {time}",
            "frequency": "daily",
            "time": time,
            "days": "every",
            "timeout_seconds": 30,
        }
        for number, (name, time) in enumerate(TIMES.items())
    }
    moved = {**toys["toy_morning"], "script": "scripts/toy_no_import.py", "args": [], "time": "11:15"}
    return {name: {**task, "enabled": False} for name, task in listed.items()} | toys | {"toy_no_import": moved}


@pytest.fixture(scope="session")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> ToyCheckout:
    configuration = yaml.dump({"install": {"user": "root"}, "scheduler": {"tasks": tasks()}}, Dumper=Quoted)
    made = toy_checkout.make(tmp_path_factory.mktemp("cron"), configuration=configuration)
    shutil.copy(ROOT / "install_scheduler.sh", made.root)
    return made


@pytest.fixture
def site(checkout: ToyCheckout, tmp_path: Path) -> ToyCheckout:
    return checkout.with_home(tmp_path / "site")


@pytest.fixture
def installer(site: ToyCheckout) -> Callable[..., "subprocess.CompletedProcess[str]"]:
    """install_scheduler.sh of the checkout, on a host, without waiting for the proof."""

    def run(host: Host, *options: str) -> "subprocess.CompletedProcess[str]":
        return host.run(site.root / "install_scheduler.sh", *(options or ("--no-wait",)), V6_HOME=str(site.home))

    return run


@pytest.fixture
def host() -> Iterator[Callable[[str], Host]]:
    """Makes a host in a zone."""
    with ExitStack() as hosts:
        yield lambda zone: hosts.enter_context(real_cron.host(zone))


def render(host: Host, site: ToyCheckout) -> str:
    """What `v6 schedule render` prints on that host."""
    done = host.run(
        sys.executable,
        "-m",
        "v6.cli",
        "schedule",
        "render",
        "--user",
        "root",
        **site.environ(PYTHONPATH=f"{site.root}/src"),
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def skips(site: ToyCheckout, task: str) -> list[str]:
    """Reasons for which the gate has dropped a start of the task."""
    lines = site.log.read_text().splitlines() if site.log.exists() else []
    return [fields[4] for fields in (line.split("|") for line in lines) if fields[1] == task]


def outcomes(site: ToyCheckout, task: str) -> list[tuple[str, str]]:
    """(outcome, slot in New York) of its runs."""
    return [(run.outcome, f"{run.slot:%F %H:%M}" if run.slot else "") for run in site.runs_of(task)]


def await_run(host: Host, site: ToyCheckout, task: str) -> None:
    site.await_mark(task)
    host.wait_for_jobs()
