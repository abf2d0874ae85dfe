"""A job started by hand: no gate, no supervisor, the same code."""

import subprocess
import sys

import pytest

from toy_checkout import ToyCheckout

pytestmark = pytest.mark.integration


def by_hand(toys: ToyCheckout, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(toys.root / "scripts" / "toy.py"), *arguments],
        env=toys.environ(PYTHONPATH=str(toys.root / "src")),
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
    fresh_toys: ToyCheckout, do: str, code: int, words: str
) -> None:
    module = fresh_toys.root / "src" / "v6" / "jobs" / "toy.py"
    module.write_text(f"{module.read_text()}\nHANDS_ONLY = True\n")
    done = by_hand(fresh_toys, "--do", do)
    assert (done.returncode, done.stdout) == (code, f"{words}\n")


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
    whole = [line for line in lines if line.endswith("| toy | fatal: FatalError: wrong configuration")]
    assert len(whole) >= 2


def test_by_hand_a_broken_configuration_is_refused_with_what_helps(fresh_toys: ToyCheckout) -> None:
    """The schedule goes on with the last good one; a person is told what is wrong and how to do the same."""
    production = fresh_toys.home / "config" / "production.yaml"
    production.write_text(production.read_text() + "\nnonsense: 1\n")
    done = by_hand(fresh_toys, "--do", "succeed")
    assert done.returncode == 2
    assert "nonsense: unknown key" in done.stderr
    assert "FORCE_RUN=true scripts/cron_wrapper.sh" in done.stderr
