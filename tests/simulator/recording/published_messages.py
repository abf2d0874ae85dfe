"""Messages of real TWS that were published, as small recordings: fields end with |, the account ids are pseudonyms.

Where a source asks for a contract that the simulator does not know (TSLA), the request here asks for one of the same
kind that it knows: only the form of the answers is compared.
"""

import json
from datetime import datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

RUST = "github.com/wboayue/rust-ibapi"
UNSET = "1.7976931348623157E308"
NINE_UNSET = "|".join([UNSET] * 9)
SIX_UNSET = "|".join([UNSET] * 6)
SPY = "0|SPY|STK||0|||SMART||USD|||"
PLACE = ("BUY|100|MKT|||||||0||1|0|0|0|0|0|0|0||0||||||||0||-1|0|||0|||0|0||0||||||0|||||0|||||||||||0|||0|0|||0||0|0|0"
         "|0|||||||0|||||||||0|0|0|0|||0|")  # fmt: skip


def tsla_order(status: str, commission: str) -> str:
    return (
        "5|13|76792991|TSLA|STK||0|?||SMART|USD|TSLA|NMS|BUY|100|MKT|0.0|0.0|DAY||DU9000001||0||100|1376327563|0|0|0||"
        "1376327563.0/DU9000001/100||||||||||0||-1|0||||||2147483647|0|0|0||3|0|0||0|0||0|None||0||||?|0|0||0|0||||||0|"
        f"0|0|2147483647|2147483647|||0||IB|0|0||0|0|{status}|{NINE_UNSET}|{commission}||0|0|0|None|{SIX_UNSET}|0||||0|"
        "1|0|0|0|||0|"
    )


class Published(NamedTuple):
    """`exchanges`: a request and the answers to it."""

    source: str
    version: int
    date: str
    exchanges: list[tuple[str, list[str]]]


RECORDINGS = {
    "account": Published(
        f"{RUST} tws_interactions.yaml at b3bd922: recorded 2025-07-15 by its record_interactions example",
        173,
        "2025-07-15T15:05:07-04:00",
        [
            ("49|1|", ["49|1|1752606307|"]),
            ("17|1|", ["15|1|DU9000001|"]),
            (
                "61|1|",
                [
                    "61|3|DU9000001|265598|AAPL|STK||0.0|||NASDAQ|USD|AAPL|NMS|-110|201.8829709|",
                    "61|3|DU9000001|637533641|ES|FUT|20250919|0.0||50||USD|ESU5|ES|1|315114.75|",
                    "62|1|",
                ],
            ),
            (
                "62|1|9000|All|NetLiquidation,TotalCashValue,GrossPositionValue|",
                [
                    "63|1|9000|DU9000001|GrossPositionValue|23172.60|USD|",
                    "63|1|9000|DU9000001|NetLiquidation|246447.83|USD|",
                    "63|1|9000|DU9000001|TotalCashValue|269339.33|USD|",
                    "64|1|9000|",
                ],
            ),
            (
                "76|1|9001|DU9000001||0|",
                [
                    "73|1|9001|DU9000001||CashBalance|94629.71|USD|",
                    "73|1|9001|DU9000001||Currency|USD|USD|",
                    "73|1|9001|DU9000001||StockMarketValue|0.00|BASE|",
                    "74|1|9001|",
                ],
            ),
            ("91|26|", ["93|26|1|0|0.01|"]),
        ],
    ),
    "order": Published(
        f"{RUST} src/orders/tests.rs, place_market_order: version 164, February 2023",
        164,
        "2023-02-24T12:04:50-05:00",
        [
            (
                f"3|13|{SPY}||{PLACE}",
                [
                    tsla_order("PreSubmitted", "|||"),
                    "3|13|PreSubmitted|0|100|0|1376327563|0|0|100||0|",
                    "11|-1|13|76792991|TSLA|STK||0.0|||ISLAND|USD|TSLA|NMS|00025b46.63f8f39c.01.01|20230224  12:04:56|"
                    "DU9000001|ISLAND|BOT|100|196.52|1376327563|100|0|100|196.52|||||2|",
                    tsla_order("Filled", "|||"),
                    "3|13|Filled|100|0|196.52|1376327563|0|196.52|100||0|",
                    tsla_order("Filled", "1.0|||USD"),
                    f"59|1|00025b46.63f8f39c.01.01|1.0|USD|{UNSET}|{UNSET}||",
                ],
            ),
        ],
    ),
    "stock details": Published(
        f"{RUST} src/contracts/common/test_tables.rs, TSLA contract details: version 164, 29 December 2022",
        164,
        "2022-12-29T12:00:00-05:00",
        [
            (
                "9|8|9001|0|AAPL|STK||0|||SMART||USD|||0|||",
                [
                    "10|9001|TSLA|STK||0||SMART|USD|TSLA|NMS|NMS|76792991|0.01||ACTIVETIM,AD,ADJUST,ALERT,ALGO,ALLOC,"
                    "AON,AVGCOST,BASKET|SMART,AMEX,NYSE,CBOE|1|0|TESLA INC|NASDAQ||Consumer, Cyclical|"
                    "Auto Manufacturers|Auto-Cars/Light Trucks|US/Eastern|20221229:0400-20221229:2000;"
                    "20221230:0400-20221230:2000;20221231:CLOSED;20230101:CLOSED;20230102:CLOSED;20230103:0400-20230103:2000|20221229:0930-"
                    "20221229:1600;20221230:0930-20221230:1600;20221231:CLOSED;20230101:CLOSED;20230102:CLOSED;"
                    "20230103:0930-20230103:1600||0|1|ISIN|US88160R1014|1|||26,26,26,26||COMMON|1|1|100|",
                    "52|1|9001|",
                ],
            ),
        ],
    ),
    "daily bars": Published(
        f"{RUST} src/market_data/historical, test_decode_historical_data: version 164, 15 April 2023",
        164,
        "2023-04-15T16:31:22-04:00",
        [
            (
                f"20|9000|{SPY}0|20230415 16:31:22|1 day|2 D|1|TRADES|1|0||",
                [
                    "17|9000|20230413  16:31:22|20230415  16:31:22|2|20230413|182.9400|186.5000|180.9400|185.9000|"
                    "948837.22|184.869|324891|20230414|183.8800|186.2800|182.0100|185.0000|810998.27|183.9865|277547|",
                ],
            ),
        ],
    ),
    "completed order": Published(
        f"{RUST} src/orders/async.rs, test_completed_orders (from a real ES order): before version 170, 8 July 2025",
        164,
        "2025-07-08T10:00:00-04:00",
        [
            # so that we have one to answer with
            (f"3|13|0|ES|FUT|20250919|0|||CME||USD|||||{PLACE.replace('BUY|100|MKT||', 'BUY|1|LMT|5800|')}", []),
            ("4|1|13|", []),
            (
                "99|0|",
                [
                    "101|637533641|ES|FUT|20250919|0|?|50|CME|USD|ESU5|ES|BUY|1|LMT|5800.0|0.0|DAY||DU9000001||0||"
                    "2126726143|0|0|0|||||||||||0||-1||||||2147483647|0|0||3|0||0|None||0|0|0||0|0||||0|0|0|2147483647|"
                    f"2147483647||||IB|0|0||0|Cancelled|0|0|0|5801.0|{UNSET}|0|1|0||0|2147483647|0|Not an insider or "
                    "substantial shareholder|0|0|9223372036854775807|20250708 02:34:46 America/New_York|Cancelled by "
                    "Trader|",
                    "102|",
                ],
            ),
        ],
    ),
}


def fields(text: str) -> list[str]:
    return text.split("|")[:-1]


def in_london(date: str) -> str:
    wall = datetime.fromisoformat(date).astimezone(ZoneInfo("Europe/London"))
    return f"{wall:%Y%m%d %H:%M:%S} {'British Summer Time' if wall.dst() else 'Greenwich Mean Time'}"


def written(published: Published) -> str:
    """The text of a recording file."""
    start = ["15|1|DU9000001|", "9|1|13|"]
    lines = [
        {"v6_recording": 1, "date": published.date, "simulator": published.source},
        {"t": 0.0, "c": 1, "negotiated": published.version,
         "handshake": [str(published.version), in_london(published.date)]},
        {"t": 0.0, "c": 1, "d": ">", "f": ["71", "2", "100", ""]},
        *({"t": 0.1, "c": 1, "d": "<", "f": fields(text)} for text in start),
    ]  # fmt: skip
    for place, (request, answers) in enumerate(published.exchanges, 1):
        lines.append({"t": float(place), "c": 1, "d": ">", "f": fields(request)})
        lines += [{"t": place + 0.5, "c": 1, "d": "<", "f": fields(answer)} for answer in answers]
    return "".join(json.dumps(line) + "\n" for line in lines)


# what our answers do not have yet, or what differs between builds of TWS (evMultiplier is 0 or empty)
STILL_DIFFERENT = {
    "stock details": {
        ("format", "contractDetails", name) for name in ("industry", "category", "subcategory", "ev_multiplier")
    },
    "daily bars": {("format", "historicalData", name) for name in ("open", "high", "low", "close")},
    "completed order": {("format", "completedOrder", "adjusted_trail_stop")},
}
