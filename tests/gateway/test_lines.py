"""The market data lines of this host are one budget for all its processes (L14)."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from v6.gateway.lines import LineBudget

HOLDER = """
import sys
from pathlib import Path
from v6.gateway.lines import LineBudget
budget = LineBudget(Path(sys.argv[1]), "options", 10)
budget.wait(len(sys.argv) > 3)
print(sum(budget.acquire() is not None for _ in range(int(sys.argv[2]))), flush=True)
for line in sys.stdin:
    print(sum(budget.acquire() is not None for _ in range(int(line))), flush=True)
"""


class Other:
    """Another process with a budget of the same pool."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self.process = process
        self.held = self._answer()

    def acquire(self, count: int) -> int:
        assert self.process.stdin is not None
        print(count, file=self.process.stdin, flush=True)
        return self._answer()

    def _answer(self) -> int:
        assert self.process.stdout is not None
        return int(self.process.stdout.readline())


@contextmanager
def other_process(leases: Path, lines: int, *, waiting: bool = False) -> Iterator[Other]:
    command = [sys.executable, "-c", HOLDER, str(leases), str(lines), *(["waiting"] if waiting else [])]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield Other(process)
        process.kill()


def take_all(budget: LineBudget) -> list[int]:
    return list(iter(budget.acquire, None))


def test_a_budget_gives_so_many_lines_and_no_more(leases: Path) -> None:
    budget = LineBudget(leases, "options", 10)
    assert sorted(take_all(budget)) == list(range(10))
    budget.release(3)
    assert take_all(budget) == [3]
    budget.close()


def test_pools_do_not_touch_each_other(leases: Path) -> None:
    options, checks = LineBudget(leases, "options", 10), LineBudget(leases, "checks", 5)
    assert len(take_all(options)) == 10
    assert len(take_all(checks)) == 5
    options.close()
    checks.close()


def test_two_budgets_of_one_process_count_as_two(leases: Path) -> None:
    first, second = LineBudget(leases, "options", 10), LineBudget(leases, "options", 10)
    assert len(take_all(first)) == 10
    assert take_all(second) == []
    first.close()
    assert len(take_all(second)) == 10
    second.close()


@pytest.mark.integration
def test_processes_share_the_budget_and_a_kill_frees_its_part(leases: Path) -> None:
    budget = LineBudget(leases, "options", 10)
    with other_process(leases, 6) as other:
        assert other.held == 6
        assert len(take_all(budget)) == 4
        other.process.kill()
        other.process.wait()
        assert len(take_all(budget)) == 6
    budget.close()


@pytest.mark.integration
def test_who_has_its_share_leaves_the_next_line_to_who_waits(leases: Path) -> None:
    budget = LineBudget(leases, "options", 10)
    budget.wait(True)
    mine = take_all(budget)
    assert len(mine) == 10
    with other_process(leases, 10, waiting=True) as other:
        assert other.held == 0
        for line in mine[:7]:
            budget.release(line)
            if budget.acquire() is not None:
                break
        assert budget.held == 5, "down to half before anything is taken again"
        assert other.acquire(10) == 5
        budget.wait(False)
    budget.close()
