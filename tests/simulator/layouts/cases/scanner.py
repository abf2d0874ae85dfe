"""The market scanner."""

from dataclasses import replace

from layouts.case import Case
from layouts.cases.listings import READ_STOCK, STOCK

OTHER = replace(
    STOCK, con_id=8314, symbol="IBM", local_symbol="IBM PR", trading_class="IBMX", market_name="NYM", currency="EUR"
)
READ_OTHER = READ_STOCK | {
    "conId": 8314, "symbol": "IBM", "localSymbol": "IBM PR", "tradingClass": "IBMX", "currency": "EUR",
}  # fmt: skip


def read(contract: dict[str, object], market: str) -> dict[str, object]:
    return {"contract": contract | {"right": "", "exchange": "SMART"}, "marketName": market}


CASES = [
    Case(
        "scanner.scanner_parameters", ("<Scan><a/></Scan>",), "19|1|<Scan><a/></Scan>|",
        (("scannerParameters", "<Scan><a/></Scan>"),),
    ),
    Case(
        "scanner.scanner_data", (81, (STOCK, OTHER)),
        "20|3|81|2|0|756733|SPY|STK||0||SMART|USD|SPY PRA|NMS|SPYX|||||"
        "1|8314|IBM|STK||0||SMART|EUR|IBM PR|NYM|IBMX|||||",
        (
            ("scannerData", 81, 0, read(READ_STOCK, "NMS"), "", "", "", ""),
            ("scannerData", 81, 1, read(READ_OTHER, "NYM"), "", "", "", ""),
            ("scannerDataEnd", 81),
        ),
    ),
]  # fmt: skip
