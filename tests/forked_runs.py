"""Run V6 many times for the price of one start: each run is a fork of a process that has imported everything.

`outcomes` gives the exit code of each, -9 where the run was killed at its V6_FAILPOINT, as `kill -9` would.
"""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

FAILED = 99
"""A run that ended by an exception: it is on stderr."""


def outcomes(runs: Sequence[tuple[dict[str, str], list[str]]]) -> list[int]:
    """Of (environment, arguments) each, one after the other: `["lake", "restore", DIR]` or `["cleanup_old_data"]`."""
    told = json.dumps(list(runs))
    done = subprocess.run([sys.executable, __file__], input=told, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    codes: list[int] = json.loads(done.stdout.splitlines()[-1])
    assert FAILED not in codes, done.stderr
    return codes


def _run(environment: dict[str, str], arguments: list[str]) -> None:
    os.environ.update(environment)
    if arguments[0] == "cleanup_old_data":
        from v6.runner.main import main

        sys.argv = arguments
        main(arguments[0])
    else:
        from v6.cli import app

        app(arguments)


def _fork(environment: dict[str, str], arguments: list[str]) -> int:
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    try:
        os.dup2(2, 1)
        _run(environment, arguments)
    except SystemExit as end:
        code = end.code
        os._exit(code if isinstance(code, int) else 0 if code is None else 1)
    except BaseException:
        import traceback

        traceback.print_exc()
        os._exit(FAILED)
    os._exit(0)


def _import_all() -> None:
    import deltalake
    import polars

    import v6.cli.lake
    import v6.jobs.cleanup_old_data
    import v6.store.maintenance
    import v6.store.restore

    assert deltalake, polars
    assert v6


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parent))
    _import_all()
    print(json.dumps([_fork(environment, arguments) for environment, arguments in json.load(sys.stdin)]))
