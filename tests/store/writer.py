"""A process that writes to a lake until it is done or killed: `writer.py ROOT LOCKS ACTION [SLOT INDEX ...]`.

It says `ready` before its first write and then the index of every slot whose write has returned, or `compacted`.
`replace` and `unite` write the frame of the parquet file that is named instead of slots, and say `done`.
"""

import sys
from datetime import date
from pathlib import Path

import polars as pl

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import option_rows
from v6.store.lake import Lake

TABLE = "option_snapshots"


def main(root: str, locks: str, action: str, *indexes: str) -> None:
    lake = Lake(root, None, Path(locks))
    if action in ("replace", "unite"):
        store(lake, action, Path(indexes[0]))
        return
    slots = list(
        option_rows.by_slot(option_rows.generated(date(2026, 1, 30), slots=12, contracts=24, live=True)).items()
    )
    lake.exists(TABLE)  # imports done
    print("ready", flush=True)
    if action == "wait":
        sys.stdin.readline()
    if action == "compact":
        lake.compact(TABLE)
        print("compacted", flush=True)
    for index in map(int, indexes):
        slot, frame = slots[index]
        lake.write_slot(TABLE, task=option_rows.TASK, slot=slot, frame=frame)
        print(index, flush=True)
        if action == "churn":
            lake.compact(TABLE)


def store(lake: Lake, action: str, file: Path) -> None:
    """The table is the file's name."""
    frame = pl.read_parquet(file)
    print("ready", flush=True)
    if action == "replace":
        lake.replace(file.stem, frame, trade_date=frame["trade_date"][0])
    else:
        lake.unite(file.stem, frame, final="final")
    print("done", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
