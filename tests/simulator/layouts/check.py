"""Whether the fields of one message are what its case says: literally, and as a client's decoder reads them."""

import math
from typing import Any

from layouts import stoqey
from layouts.case import ABSENT, Before, Case, Since

# The versions at which each library is exact; they negotiate 176, 178, 157 and 178. Beyond 176 ib_insync would expect
# the faProfile of openOrder and completedOrder, and no pendingPriceRevision in execDetails; other messages it still
# reads. Below 177 @stoqey reads a field more in completedOrder than the other three.
EXACT = {"ib_insync": range(157, 177), "ib_async": range(157, 179), "ibapi": range(157, 158), "stoqey": range(177, 179)}
CHANGED_AT = {"5": 177, "101": 177, "11": 178}


def reads(case: Case, library: str, version: int) -> bool:
    """Whether the library's decoder knows the layout of this message at `version`."""
    kind = case.wire.partition("|")[0]
    if case.decoded is None:
        return False
    if library == "ib_insync" and version >= 177:
        return version < CHANGED_AT.get(kind, 1000)
    return version in EXACT[library]


def layout_complaints(case: Case, version: int, fields: list[str]) -> list[str]:
    """Counts and literals: what decoders forgive."""
    wanted = case.expected(version)
    if len(fields) != len(wanted):
        return [f"{len(fields)} fields, not {len(wanted)}"]
    return [
        f"field {place} is {got!r}, not {want!r}"
        for place, (got, want) in enumerate(zip(fields, wanted, strict=True))
        if got != want
    ]


def decoded_complaints(case: Case, library: str, version: int, calls: Any) -> list[str]:
    """`calls` as decode.decoded gives them."""
    if isinstance(calls, str):
        return [calls]
    wanted = stoqey.calls(case) if library == "stoqey" else case.by.get(library, case.decoded) or ()
    names, heard_names = [call[0] for call in wanted], [name for name, _ in calls]
    if names != heard_names:
        return [f"calls {heard_names}, not {names}"]
    return [
        complaint
        for (name, *arguments), (_, heard) in zip(wanted, calls, strict=True)
        for complaint in _differences(name, list(arguments), heard, version)
    ]


def _differences(where: str, wanted: Any, heard: Any, version: int) -> list[str]:
    if isinstance(wanted, Since):
        applies = version < wanted.version if isinstance(wanted, Before) else version >= wanted.version
        return _differences(where, wanted.value, heard, version) if applies else []
    if isinstance(wanted, dict) and isinstance(heard, dict):
        return [
            complaint
            for name, value in wanted.items()
            for complaint in _differences(f"{where}.{name}", value, heard.get(name, ABSENT), version)
        ]
    if isinstance(wanted, list | tuple) and isinstance(heard, list):
        if len(wanted) != len(heard):
            return [f"{where}: {len(heard)} values, not {len(wanted)}"]
        return [
            complaint
            for place, (one, other) in enumerate(zip(wanted, heard, strict=True))
            for complaint in _differences(f"{where}[{place}]", one, other, version)
        ]
    return [] if _same(wanted, heard) else [f"{where} is {heard!r}, not {wanted!r}"]


def _same(wanted: Any, heard: Any) -> bool:
    both_nan = isinstance(wanted, float) and isinstance(heard, float) and math.isnan(wanted) and math.isnan(heard)
    return both_nan or (isinstance(wanted, str) == isinstance(heard, str) and wanted == heard)
