"""The scanner parameters as TWS gives them: an XML document of instruments, locations, scan types and filters.

Element names and their order follow real documents; the contents are what the simulator's scanner knows.
"""

from functools import cache
from xml.sax.saxutils import escape

from v6.simulator.market.scans import FILTERS, INSTRUMENTS, LOCATIONS, PARENTS, SCANS, STOCK, Filter, Scan


def _element(name: str, *content: str, attributes: str = "") -> str:
    return f"<{name}{attributes}>{''.join(content)}</{name}>"


def _text(name: str, value: str) -> str:
    return f"<{name}>{escape(value)}</{name}>" if value else f"<{name}/>"


def _instrument(kind: str, name: str) -> str:
    filters = ",".join(FILTERS) if kind == STOCK else "PRICE,VOLUME,CHANGEPERC"
    return _element(
        "Instrument", _text("name", name), _text("type", kind), _text("filters", filters),
        _text("group", f"{kind}.GLOBAL"), _text("shortName", "US"), _text("cloudScanNotSupported", "false"),
    )  # fmt: skip


def _location(code: str) -> str:
    name, _ = LOCATIONS[code]
    instrument = next(each for each in INSTRUMENTS if code.startswith(each.removesuffix(".US")))
    children = [_location(child) for child, parent in PARENTS.items() if parent == code]
    tree = [_element("LocationTree", *children, attributes=' varName="locationTree"')] if children else []
    return _element(
        "Location", _text("displayName", name), _text("locationCode", code), _text("instruments", instrument),
        _text("routeExchange", ""), _text("delayedOnly", "false"), _text("access", "unrestricted"), *tree,
    )  # fmt: skip


def _scan_type(code: str, scan: Scan) -> str:
    return _element(
        "ScanType", _text("displayName", scan.name), _text("scanCode", code),
        _text("instruments", ",".join(scan.instruments)), _text("absoluteColumns", "false"),
        _element("Columns", attributes=' varName="columns"'), _text("supportsSorting", "true"),
        _text("respSizeLimit", "2147483647"), _text("snapshotSizeLimit", "2147483647"),
        _text("searchDefault", "false"), _text("access", "unrestricted"),
    )  # fmt: skip


def _range_filter(identity: str, each: Filter) -> str:
    fields = [
        _element(
            "AbstractField", _text("code", code), _text("codeNot", ""), _text("varName", name),
            _text("displayName", f"{each.name} {word}"), _text("dontAllowClearAll", "false"), _text("abbrev", ""),
            _text("acceptNegatives", "false"), _text("dontAllowNegative", "false"),
            _text("skipNotEditableField", "false"), _text("fraction", "false"), _text("typeName", "double"),
            attributes=' type="scanner.filter.DoubleField"',
        )
        for code, name, word in zip(each.codes, ("min", "max"), ("Above", "Below"), strict=True)
    ]  # fmt: skip
    return _element(
        "RangeFilter", _text("id", identity), _text("category", each.category), _text("histogram", "false"),
        _text("access", "allowed"), *fields,
    )  # fmt: skip


@cache
def document() -> str:
    roots = [_location(code) for code in LOCATIONS if code not in PARENTS]
    return '<?xml version="1.0" encoding="UTF-8"?>' + _element(
        "ScanParameterResponse",
        _element("InstrumentList", *(_instrument(*each) for each in INSTRUMENTS.items()),
                 attributes=' varName="instrumentList"'),
        _element("LocationTree", *roots, attributes=' varName="locationTree"'),
        _element("ScanTypeList", *(_scan_type(*each) for each in SCANS.items()), attributes=' varName="scanTypeList"'),
        _element("FilterList", *(_range_filter(*each) for each in FILTERS.items()), attributes=' varName="filterList"'),
    )  # fmt: skip
