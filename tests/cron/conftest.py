"""A compiled checkout whose only enabled tasks are toys, on a host of its own with a real cron daemon."""

import shutil
import subprocess
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

TIMES = {"toy_morning": "09:35", "toy_skipped_hour": "02:30", "toy_repeated_hour": "01:30"}


def tasks() -> dict[str, object]:
    """Every task of the defaults is disabled; the toys are due once a day, at New York times."""
    listed = yaml.safe_load((ROOT / "config" / "default.yaml").read_text(encoding="utf-8"))["scheduler"]["tasks"]
    toys = {
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
    return {name: {**task, "enabled": False} for name, task in listed.items()} | toys


@pytest.fixture(scope="module")
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
