"""A job started by hand: no gate, no supervisor, the same code."""

import re
import subprocess
import sys
from collections.abc import Iterator

import pytest

from toy_checkout import ToyCheckout

pytestmark = pytest.mark.integration


@pytest.fixture
def only_by_hand(fresh_toys: ToyCheckout) -> Iterator[ToyCheckout]:
    """With a toy that is a job for people only."""
    module = fresh_toys.root / "src" / "v6" / "jobs" / "toy.py"
    before = module.read_text()
    module.write_text(f"{before}\nHANDS_ONLY = True\n")
    yield fresh_toys
    module.write_text(before)


def by_hand(toys: ToyCheckout, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(toys.root / "scripts" / "toy.py"), *arguments],
        env=toys.environ(PYTHONPATH=str(toys.root / "src"), **environ),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize(
    ("do", "code"), [("succeed", 0), ("skip", 0), ("recoverable", 1), ("fatal", 2), ("uncaught", 2)]
)
def test_the_exit_code_says_how_it_ended_and_stderr_why(toys: ToyCheckout, do: str, code: int) -> None:
    done = by_hand(toys, "--do", do)
    assert done.returncode == code
    assert {0: "did succeed", 1: "TWS is away"}.get(code, "") in done.stderr or do == "skip"
    assert done.stdout == ""


@pytest.mark.parametrize(
    ("do", "code", "words"),
    [("succeed", 0, "did succeed"), ("recoverable", 1, "TWS is away"), ("uncaught", 2, "'missing'")],
)
def test_a_job_that_only_people_start_answers_on_stdout_however_it_ends(
    only_by_hand: ToyCheckout, do: str, code: int, words: str
) -> None:
    done = by_hand(only_by_hand, "--do", do)
    assert (done.returncode, done.stdout) == (code, f"{words}\n")
    ending = re.compile(r"toy \| (success|recoverable|fatal): ")
    assert not ending.search(done.stderr), "a terminal shows stdout too"
    assert ending.search((only_by_hand.home / "logs" / "scheduler" / "unified_scheduler.log").read_text())


def test_help_shows_the_jobs_words_and_its_arguments(toys: ToyCheckout) -> None:
    done = by_hand(toys, "--help")
    assert done.returncode == 0
    assert "what it does is its argument" in done.stdout
    assert "--dry-run" in done.stdout
    assert "--do" in done.stdout


def test_an_unknown_argument_is_refused_with_2(toys: ToyCheckout) -> None:
    done = by_hand(toys, "--no-such-thing")
    assert done.returncode == 2
    assert "--no-such-thing" in done.stderr


def test_two_processes_write_the_same_log_without_tearing_lines(toys: ToyCheckout) -> None:
    command = [sys.executable, str(toys.root / "scripts" / "toy.py"), "--do", "fatal"]
    environ = toys.environ(PYTHONPATH=str(toys.root / "src"))
    both = [subprocess.Popen(command, env=environ, stderr=subprocess.DEVNULL) for _ in range(2)]
    for process in both:
        process.wait(60)
    lines = (toys.home / "logs" / "scheduler" / "unified_scheduler.log").read_text().splitlines()
    whole = [line for line in lines if line.endswith("| toy | fatal: wrong configuration")]
    assert len(whole) >= 2


def test_by_hand_a_broken_configuration_is_refused_with_what_helps(fresh_toys: ToyCheckout) -> None:
    """The schedule goes on with the last good one; a person is told what is wrong and how to do the same."""
    production = fresh_toys.home / "config" / "production.yaml"
    production.write_text(production.read_text() + "\nnonsense: 1\n")
    done = by_hand(fresh_toys, "--do", "succeed")
    assert done.returncode == 2
    assert "nonsense: unknown key" in done.stderr
    assert "FORCE_RUN=true scripts/cron_wrapper.sh scripts/toy.py" in done.stderr

    production.write_text("")
    refused = by_hand(fresh_toys, "--do", "succeed", IBKR_PORT="99999")
    assert refused.returncode == 2
    assert refused.stderr.count("IBKR_PORT") == 1
    assert "FORCE_RUN" not in refused.stderr, "what the environment has wrong no last good file mends"


def test_a_job_that_only_people_start_goes_on_with_the_last_good_configuration(only_by_hand: ToyCheckout) -> None:
    """It is there for trouble, and no task that the gate would start."""
    (only_by_hand.home / ".env").write_text("IBKR_PERSISTENT_CONNECTION=flase\n")
    done = by_hand(only_by_hand, "--do", "succeed")
    assert (done.returncode, done.stdout) == (0, "did succeed\n")
    assert "going on with the last good one" in done.stderr
    assert "IBKR_PERSISTENT_CONNECTION" in done.stderr
