"""Market data ticks."""

from layouts.case import ABSENT, Case

from v6.simulator.market.surface import Greeks

UNSET = 1.7976931348623157e308
MAX = "1.7976931348623157E308"
MODEL = (21, 13, 0, 0.18, 0.52, 5.25, 0.0, 0.011, 0.61, -0.21, 610.5)

CASES = [
    Case("ticks.market_data_type", (21, 3), "58|1|21|3|", (("marketDataType", 21, 3),)),
    Case(
        "ticks.tick_parameters", (21, 0.05, "9c0001", 3), "81|21|0.05|9c0001|3|",
        (("tickReqParams", 21, 0.05, "9c0001", 3),), {"stoqey": (("tickReqParams", 21, 0, "9c0001", 3),)},
    ),
    Case(
        "ticks.tick_price", (21, 1, 610.25, "300", 5), "1|6|21|1|610.25|300|5|",
        (("priceSizeTick", 21, 1, 610.25, 300),),
        {
            "ibapi": (
                ("tickPrice", 21, 1, 610.25, {"canAutoExecute": True, "pastLimit": False, "preOpen": True}),
                ("tickSize", 21, 0, 300),
            ),
            "stoqey": (("tickPrice", 21, 1, 610.25, True),),  # and no bid size: it takes tick 0 for no tick
        },
    ),
    Case(
        "ticks.tick_price", (22, 9, 5100.5, "", 0), "1|6|22|9|5100.5||0|", (("priceSizeTick", 22, 9, 5100.5, 0),),
        {
            "ibapi": (
                ("tickPrice", 22, 9, 5100.5, {"canAutoExecute": False, "pastLimit": False, "preOpen": False}),
            ),
            "stoqey": (("tickPrice", 22, 9, 5100.5, False),),
        },
        note="of an index",
    ),
    Case("ticks.tick_size", (21, 8, "45100"), "2|6|21|8|45100|", (("tickSize", 21, 8, 45100),)),
    Case("ticks.tick_generic", (21, 49, 1.0), "45|6|21|49|1.0|", (("tickGeneric", 21, 49, 1),)),
    Case("ticks.tick_string", (21, 45, "17955345"), "46|6|21|45|17955345|", (("tickString", 21, 45, "17955345"),)),
    Case(
        "ticks.tick_option", (21, 13, Greeks(0.18, 0.52, 5.25, 0.011, 0.61, -0.21, 610.5), 0),
        "21|21|13|0|0.18|0.52|5.25|0.0|0.011|0.61|-0.21|610.5|", (("tickOptionComputation", *MODEL),),
    ),
    Case(
        "ticks.tick_option", (21, 10, Greeks(0.18, 0.52, float("nan"), 0.011, 0.61, -0.21, None), 1),
        f"21|21|10|1|0.18|0.52|{MAX}|{MAX}|0.011|0.61|-0.21|{MAX}|",
        (("tickOptionComputation", 21, 10, 1, 0.18, 0.52, UNSET, UNSET, 0.011, 0.61, -0.21, UNSET),),
        note="without an underlying",
    ),
    Case(
        "ticks.custom_computation", (24, Greeks(0.18, 0.52, 5.25, 0.011, 0.61, -0.21, 610.5)),
        "21|24|53|0|0.18|0.52|5.25|-1|0.011|0.61|-0.21|610.5|",
        (("tickOptionComputation", 24, 53, 0, 0.18, 0.52, 5.25, -1, 0.011, 0.61, -0.21, 610.5),),
        {
            "ibapi": (("tickOptionComputation", 24, 53, 0, 0.18, 0.52, 5.25, None, 0.011, 0.61, -0.21, 610.5),),
            "stoqey": (("tickOptionComputation", 24, 53, 0, 0.18, 0.52, 5.25, ABSENT, 0.011, 0.61, -0.21, 610.5),),
        },
    ),
    Case("ticks.snapshot_end", (23,), "57|1|23|", (("tickSnapshotEnd", 23),)),
]  # fmt: skip
