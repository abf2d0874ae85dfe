"""Account values, portfolio, positions, profit and loss."""

from layouts.case import Case
from layouts.cases.listings import FUTURE, OPTION, READ_FUTURE, READ_OPTION, READ_STOCK, STOCK

MAX = "1.7976931348623157E308"
UNSET = 1.7976931348623157e308
OPTION_WIRE = "712345678|SPY|OPT|20270115|615.5|C|100|"
HELD_OPTION = OPTION_WIRE + "|USD|SPY   270115C00615500|2SPY|"
HELD_STOCK = "756733|SPY|STK||0.0|||ARCA|USD|SPY PRA|SPYX|"

CASES = [
    Case(
        "accounts.account_value", ("NetLiquidation", "1000.5", "USD", "DU9000001"),
        "6|2|NetLiquidation|1000.5|USD|DU9000001|",
        (("updateAccountValue", "NetLiquidation", "1000.5", "USD", "DU9000001"),),
    ),
    Case(
        "accounts.portfolio_value", (OPTION, (-3.0, 5.25, -1575.0, 490.5, -103.5, 17.75), "DU9000001"),
        f"7|8|{OPTION_WIRE}AMEX|USD|SPY   270115C00615500|2SPY|-3|5.25|-1575.0|490.5|-103.5|17.75|DU9000001|",
        (
            (
                "updatePortfolio", READ_OPTION | {"primaryExchange": "AMEX", "exchange": ""}, -3, 5.25, -1575, 490.5,
                -103.5, 17.75, "DU9000001",
            ),
        ),
    ),
    Case(
        "accounts.portfolio_value", (STOCK, (200.0, 610.5, 122100.0, 600.25, 2050.0, 0.0), "DU9000001"),
        "7|8|756733|SPY|STK||0|0||ARCA|USD|SPY PRA|SPYX|200|610.5|122100.0|600.25|2050.0|0.0|DU9000001|",
        (
            (
                "updatePortfolio", READ_STOCK | {"right": "0", "primaryExchange": "ARCA"}, 200, 610.5, 122100, 600.25,
                2050, 0, "DU9000001",
            ),
        ),
        note="of a stock",
    ),
    Case("accounts.account_update_time", ("10:36",), "8|1|10:36|", (("updateAccountTime", "10:36"),)),
    Case("accounts.account_download_end", ("DU9000001",), "54|1|DU9000001|", (("accountDownloadEnd", "DU9000001"),)),
    Case(
        "accounts.position", ("DU9000001", OPTION, -3.0, 490.5), f"61|3|DU9000001|{HELD_OPTION}-3|490.5|",
        (("position", "DU9000001", READ_OPTION | {"exchange": ""}, -3, 490.5),),
    ),
    Case(
        "accounts.position", ("DU9000001", STOCK, 200.0, 600.0), f"61|3|DU9000001|{HELD_STOCK}200|600.0|",
        (("position", "DU9000001", READ_STOCK | {"right": "", "exchange": "ARCA"}, 200, 600),), note="of a stock",
    ),
    Case(
        "accounts.position", ("DU9000001", FUTURE, 4.0, 305010.5),
        "61|3|DU9000001|637533641|ES|FUT|20261218|0.0||50||CAD|ESZ6|ESC|4|305010.5|",
        (("position", "DU9000001", READ_FUTURE | {"right": "", "exchange": ""}, 4, 305010.5),), note="of a future",
    ),
    Case("accounts.position_end", (), "62|1|", (("positionEnd",),)),
    Case(
        "accounts.position_multi", (31, "DU9000001", "Target2030", FUTURE, 4.0, 305010.5),
        "71|1|31|DU9000001|637533641|ES|FUT|20261218|0.0||50||CAD|ESZ6|ESC|4|305010.5|Target2030|",
        (
            (
                "positionMulti", 31, "DU9000001", "Target2030", READ_FUTURE | {"right": "", "exchange": ""}, 4,
                305010.5,
            ),
        ),
    ),
    Case("accounts.position_multi_end", (31,), "72|1|31|", (("positionMultiEnd", 31),)),
    Case(
        "accounts.account_summary", (32, "DU9000001", "Cushion", "0.9", "USD"), "63|1|32|DU9000001|Cushion|0.9|USD|",
        (("accountSummary", 32, "DU9000001", "Cushion", "0.9", "USD"),),
    ),
    Case("accounts.account_summary_end", (32,), "64|1|32|", (("accountSummaryEnd", 32),)),
    Case(
        "accounts.account_multi", (33, "DU9000001", "Target2030", ("CashBalance", "12.5", "EUR")),
        "73|1|33|DU9000001|Target2030|CashBalance|12.5|EUR|",
        (("accountUpdateMulti", 33, "DU9000001", "Target2030", "CashBalance", "12.5", "EUR"),),
    ),
    Case(
        "accounts.account_multi_end", (33,), "74|1|33|", (("accountUpdateMultiEnd", 33),),
        {"stoqey": (("accountUpdateMultiEnd", "33"),)},
    ),
    Case(
        "accounts.profit", (34, 10.5, -20.25, None), f"94|34|10.5|-20.25|{MAX}|", (("pnl", 34, 10.5, -20.25, UNSET),)
    ),
    Case(
        "accounts.profit_single", (35, 7.0, (11.5, 12.5, 13.5, 1400.5)),
        "95|35|@-163:7|@163-:7.0|11.5|12.5|13.5|1400.5|", (("pnlSingle", 35, 7, 11.5, 12.5, 13.5, 1400.5),),
    ),
]  # fmt: skip
