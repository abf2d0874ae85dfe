"""What V6 needs of its libraries, proven by small real work: `python -m v6.doctor.selftest [LIBRARY]`.

`--versions-only`: only what is installed, and the TWS library, `LIBRARY` being ibkr.library.

The doctor starts it with the interpreter of the jobs, so that a library that ends its process ends this one, and the
last line says which it was. One JSON object a line: the interpreter, what is installed, then each proof with its begin.
Only the standard library is imported here; a proof that raises anything has failed (L34).
"""

import json
import sys
import tempfile
from collections.abc import Callable, Sequence
from importlib import metadata
from pathlib import Path


def _yaml() -> str:
    import yaml

    assert yaml.safe_load("text: 'no'\nnumber: 5\n") == {"text": "no", "number": 5}
    return "reads YAML"


def _pydantic() -> str:
    from pydantic import BaseModel, ConfigDict, ValidationError

    class Strict(BaseModel):
        model_config = ConfigDict(strict=True, extra="forbid")
        port: int

    assert Strict.model_validate({"port": 1}).port == 1
    for refused in ({"port": "1"}, {"port": 1, "prot": 2}):
        try:
            Strict.model_validate(refused)
        except ValidationError:
            continue
        raise AssertionError(f"{refused} was accepted")
    return "refuses what is wrong"


def _loguru() -> str:
    from loguru import logger

    said: list[str] = []
    logger.remove()
    logger.add(said.append, format="{message}")
    logger.info("a line of {}", "two")
    assert said == ["a line of two\n"]
    return "logs"


def _pandas_market_calendars() -> str:
    import pandas_market_calendars

    found = pandas_market_calendars.get_calendar("NYSE").schedule("2026-11-26", "2026-11-27")
    assert [f"{close:%Y-%m-%dT%H:%M}" for close in found["market_close"]] == ["2026-11-27T18:00"]
    return "knows Thanksgiving 2026 and the early close after it"


def _numpy() -> str:
    import numpy

    assert numpy.isnan(numpy.array([1.0, numpy.nan])).tolist() == [False, True]
    return "computes"


def _polars() -> str:
    import polars

    frame = polars.DataFrame({"symbol": ["SPY", "QQQ", "SPY"], "bid": [1.0, None, 3.0]})
    assert frame.group_by("symbol").agg(polars.col("bid").sum()).sort("symbol")["bid"].to_list() == [0.0, 4.0]
    return "groups"


def _deltalake() -> str:
    import polars
    from deltalake import DeltaTable, write_deltalake

    with tempfile.TemporaryDirectory() as folder:
        for day in ("2026-11-20", "2026-11-23"):
            rows = polars.DataFrame({"trade_date": [day], "bid": [1.5]})
            write_deltalake(folder, rows, mode="append", partition_by=["trade_date"])
        table = DeltaTable(folder)
        assert table.version() == 1
        assert polars.scan_delta(table).collect()["bid"].to_list() == [1.5, 1.5]
        assert polars.DataFrame(table.scan(columns=["bid"], predicate="trade_date = '2026-11-20'")).height == 1
    return "writes and reads a table"


def _duckdb() -> str:
    import duckdb

    with duckdb.connect() as db:
        assert db.execute("SELECT sum(range) FROM range(5)").fetchone() == (10,)
    return "answers SQL"


def _quantlib() -> str:
    import QuantLib

    price = QuantLib.blackFormula(QuantLib.Option.Put, 100.0, 100.0, 0.2)
    assert abs(price - 7.965567) < 1e-5, price  # Black-Scholes: 100 (2 N(0.1) - 1)
    return "prices an option"


def _apprise() -> str:
    import apprise

    assert apprise.Apprise().add("json://127.0.0.1:9/")
    return "knows its services"


def _prometheus_client() -> str:
    from prometheus_client import CollectorRegistry, Gauge, generate_latest

    registry = CollectorRegistry()
    Gauge("v6_selftest", "One.", registry=registry).set(1)
    assert b"v6_selftest 1.0" in generate_latest(registry)
    return "writes metrics"


def _psutil() -> str:
    import psutil

    assert psutil.pid_exists(psutil.Process().pid)
    assert psutil.disk_usage("/").total > 0
    return "sees processes and disks"


def _typer() -> str:
    import typer

    assert typer.Typer().command() is not None
    return "makes commands"


def _rich() -> str:
    from rich.table import Table

    table = Table()
    table.add_column("task")
    assert len(table.columns) == 1
    return "makes tables"


def _matplotlib() -> str:
    from matplotlib.colors import to_hex  # its fonts would be cached on disk

    assert to_hex("red") == "#ff0000"
    return "knows its colours"


def _jinja2() -> str:
    import jinja2

    page = jinja2.Environment(autoescape=True).from_string("{{ words }}").render(words="<b>")
    assert page == "&lt;b&gt;"
    return "renders"


def _sqlite3() -> str:
    import sqlite3

    with tempfile.TemporaryDirectory() as folder:
        db = sqlite3.connect(Path(folder, "journal.db"))
        try:
            assert db.execute("PRAGMA journal_mode = WAL").fetchone() == ("wal",)
            db.execute("CREATE TABLE runs (id INTEGER PRIMARY KEY, task TEXT) STRICT")
        finally:
            db.close()
    return f"SQLite {sqlite3.sqlite_version}, WAL"


def _tws_library(wanted: str) -> str:
    from v6.gateway import library

    found = library.load(wanted)
    return f"{found.name} {found.version} has all that is used of it"


PROOFS: dict[str, Callable[[], str]] = {
    "PyYAML": _yaml,
    "pydantic": _pydantic,
    "loguru": _loguru,
    "psutil": _psutil,
    "typer": _typer,
    "rich": _rich,
    "prometheus-client": _prometheus_client,
    "Jinja2": _jinja2,
    "numpy": _numpy,
    "polars": _polars,
    "deltalake": _deltalake,
    "duckdb": _duckdb,
    "QuantLib": _quantlib,
    "matplotlib": _matplotlib,
    "pandas_market_calendars": _pandas_market_calendars,
    "apprise": _apprise,
    "sqlite3": _sqlite3,
}
"""By the name in pyproject.toml; ib_insync or ib_async, whichever is wanted, has a proof of its own."""
TWS_LIBRARY = "TWS library"


def main(arguments: Sequence[str]) -> None:
    import v6

    _say({"python": "{}.{}.{}".format(*sys.version_info[:3]), "v6": str(v6.__file__)})
    _say({"installed": {found.metadata["Name"]: found.version for found in metadata.distributions()}})
    wanted = next((word for word in arguments if not word.startswith("--")), "auto")
    _prove(TWS_LIBRARY, lambda: _tws_library(wanted))
    if "--versions-only" not in arguments:
        for name, proof in PROOFS.items():
            _prove(name, proof)
    _say({"done": True})


def _prove(name: str, proof: Callable[[], str]) -> None:
    _say({"begin": name})
    try:
        said, passed = proof(), True
    except Exception as error:  # a spoilt library raises what it likes, and all of it is the answer
        said, passed = f"{type(error).__name__}: {error}", False
    _say({"proof": name, "passed": passed, "words": " ".join(said.split())})


def _say(fact: dict[str, object]) -> None:
    sys.stdout.write(json.dumps(fact) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1:])
