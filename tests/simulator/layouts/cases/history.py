"""Historical data."""

from layouts.case import ABSENT, Case

BARS = (
    ("20261124 10:30:00 US/Eastern", 610.25, 611.5, 609.75, 611.0, 12345.0, 610.5, 77),
    ("20261124 10:35:00 US/Eastern", 611.25, 612.5, 610.75, 612.0, 2345.0, 611.5, 66),
)
READ_BARS = [
    {
        "date": date, "open": opened, "high": high, "low": low, "close": close, "volume": volume, "average": average,
        "barCount": count,
    }
    for date, opened, high, low, close, volume, average, count in BARS
]  # fmt: skip

CASES = [
    Case(
        "history.historical_data", (61, "20261123  10:35:00", "20261124  10:35:00", BARS),
        "17|61|20261123  10:35:00|20261124  10:35:00|2|20261124 10:30:00 US/Eastern|610.25|611.50|609.75|611.00|12345|"
        "610.5|77|20261124 10:35:00 US/Eastern|611.25|612.50|610.75|612.00|2345|611.5|66|",
        (
            *(("historicalData", 61, bar) for bar in READ_BARS),
            ("historicalDataEnd", 61, "20261123  10:35:00", "20261124  10:35:00"),
        ),
        {
            "stoqey": (
                *(("historicalData", 61, *bar[:6], bar[7], bar[6], ABSENT) for bar in BARS),
                ("historicalData", 61, "finished-20261123  10:35:00-20261124  10:35:00", *[-1] * 7, False),
            )
        },
    ),
    Case(
        "history.historical_data", (65, "", "", (("20261124", 5100.125, 5101.0, 5099.0, 5100.0, -1.0, -1.0, -1),)),
        "17|65|||1|20261124|5100.125|5101.00|5099.00|5100.00|-1|-1|-1|",
        (
            (
                "historicalData", 65,
                {
                    "date": "20261124", "open": 5100.125, "high": 5101, "low": 5099, "close": 5100, "volume": -1,
                    "average": -1, "barCount": -1,
                },
            ),
            ("historicalDataEnd", 65, "", ""),
        ),
        {
            "stoqey": (
                ("historicalData", 65, "20261124", 5100.125, 5101, 5099, 5100, -1, -1, -1, ABSENT),
                ("historicalData", 65, "finished--", *[-1] * 7, False),
            )
        },
        note="of an index",
    ),
    Case(
        "history.historical_data_update", (61, BARS[0]),
        "90|61|77|20261124 10:30:00 US/Eastern|610.25|611.0|611.5|609.75|610.5|12345|",
        (("historicalDataUpdate", 61, READ_BARS[0]),),
        {"stoqey": (("historicalDataUpdate", 61, *BARS[0][:6], 77, 610.5),)},
    ),
    Case(
        "history.real_time_bar", (62, 1795534500, BARS[1]),
        "50|3|62|1795534500|611.25|612.5|610.75|612.0|2345|611.5|66|",
        (("realtimeBar", 62, 1795534500, 611.25, 612.5, 610.75, 612.0, 2345, 611.5, 66),),
    ),
    Case(
        "history.head_timestamp", (63, "19930129-14:30:00"), "88|63|19930129-14:30:00|",
        (("headTimestamp", 63, "19930129-14:30:00"),),
    ),
    Case(
        "history.historical_schedule",
        (
            64, "20261123-09:30:00", "20261124-16:00:00", "US/Eastern",
            (
                ("20261123-09:30:01", "20261123-16:00:02", "20261123"),
                ("20261124-09:30:03", "20261124-16:00:04", "20261124"),
            ),
        ),
        "106|64|20261123-09:30:00|20261124-16:00:00|US/Eastern|2|20261123-09:30:01|20261123-16:00:02|20261123|"
        "20261124-09:30:03|20261124-16:00:04|20261124|",
        (
            (
                "historicalSchedule", 64, "20261123-09:30:00", "20261124-16:00:00", "US/Eastern",
                [
                    {
                        "startDateTime": "20261123-09:30:01", "endDateTime": "20261123-16:00:02",
                        "refDate": "20261123",
                    },
                    {
                        "startDateTime": "20261124-09:30:03", "endDateTime": "20261124-16:00:04",
                        "refDate": "20261124",
                    },
                ],
            ),
        ),
        {"ibapi": ()}, note="which ibapi 9.81 does not know",
    ),
]  # fmt: skip
