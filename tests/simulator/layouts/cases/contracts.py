"""Contract details and option chains."""

from datetime import date

from layouts.case import Case, Since
from layouts.cases.listings import FUTURE, OPTION, READ_FUTURE, READ_OPTION, READ_STOCK, STOCK

TYPES = "ACTIVETIM,ADJUST,ALERT,ALGO,AON,COND,DAY,GTC,IOC,LMT,LOC,MKT,MOC,OCA,SCALE,STP,STPLMT,TRAIL,WHATIF"
HOURS = ("20261124:0400-20261124:2000", "20261124:0930-20261124:1600")
READ_HOURS = {"tradingHours": HOURS[0], "liquidHours": HOURS[1], "orderTypes": TYPES, "priceMagnifier": 1}
HOURS_WIRE = "|".join(HOURS)

CASES = [
    Case(
        "contracts.contract_details", (41, STOCK, HOURS),
        "10|@-164:8|41|SPY|STK||0||SMART|USD|SPY PRA|NMS|SPYX|756733|0.01|@-164:100||" + TYPES + "|SMART,ARCA,NYSE|1|0|"
        "SPDR S&P 500 ETF TRUST|ARCA|||||US/Eastern|" + HOURS_WIRE + "|||0|1|||26,26,26||ETF|@163-164:100|"
        "@164-:0.0001|@164-:0.0001|@164-:100|",
        (
            (
                "contractDetails", 41,
                READ_HOURS | {
                    "contract": READ_STOCK | {"right": "", "exchange": "SMART", "primaryExchange": "ARCA"},
                    "marketName": "NMS", "minTick": 0.01, "validExchanges": "SMART,ARCA,NYSE", "underConId": 0,
                    "longName": "SPDR S&P 500 ETF TRUST", "contractMonth": "", "industry": "", "category": "",
                    "subcategory": "", "timeZoneId": "US/Eastern", "evRule": "", "evMultiplier": 0, "aggGroup": 1,
                    "underSymbol": "", "underSecType": "", "marketRuleIds": "26,26,26", "realExpirationDate": "",
                    "stockType": "ETF", "minSize": Since(164, 0.0001), "sizeIncrement": Since(164, 0.0001),
                    "suggestedSizeIncrement": Since(163, 100),
                },
            ),
        ),
        note="of a stock",
    ),
    Case(
        "contracts.contract_details", (42, OPTION, HOURS),
        "10|@-164:8|42|SPY|OPT|20270115 16:15:00 US/Eastern|615.5|C|SMART|USD|SPY   270115C00615500|SPYM|2SPY|"
        "712345678|0.05|@-164:1|100|" + TYPES + "|SMART,CBOE|1|756733|SPDR S&P 500 ETF TRUST|AMEX|202701||||US/Eastern|"
        + HOURS_WIRE + "|||0|2|SPY|STK|110,110|20270115||@163-164:1|@164-:1|@164-:1|@164-:1|",
        (
            (
                "contractDetails", 42,
                READ_HOURS | {
                    "contract": READ_OPTION | {"exchange": "SMART", "primaryExchange": "AMEX"},
                    "marketName": "SPYM", "minTick": 0.05, "validExchanges": "SMART,CBOE", "underConId": 756733,
                    "longName": "SPDR S&P 500 ETF TRUST", "contractMonth": "202701", "timeZoneId": "US/Eastern",
                    "lastTradeTime": "16:15:00", "aggGroup": 2, "underSymbol": "SPY", "underSecType": "STK",
                    "marketRuleIds": "110,110", "realExpirationDate": "20270115", "stockType": "",
                    "minSize": Since(164, 1), "sizeIncrement": Since(164, 1), "suggestedSizeIncrement": Since(163, 1),
                },
            ),
        ),
        note="of an option",
    ),
    Case(
        "contracts.contract_details", (43, FUTURE, HOURS),
        "10|@-164:8|43|ES|FUT|20261218 09:30:00 US/Central|0||CME|CAD|ESZ6|ESM|ESC|637533641|0.25|@-164:1|50|" + TYPES +
        "|CME|1|11004968|E-mini S&P 500||202612||||US/Central|" + HOURS_WIRE + "|||0|2147483647|ES|IND|67|20261218||"
        "@163-164:1|@164-:1|@164-:1|@164-:1|",
        (
            (
                "contractDetails", 43,
                READ_HOURS | {
                    "contract": READ_FUTURE | {"right": "", "exchange": "CME", "primaryExchange": ""},
                    "marketName": "ESM", "underConId": 11004968, "contractMonth": "202612", "timeZoneId": "US/Central",
                    "lastTradeTime": "09:30:00", "aggGroup": 2147483647, "underSymbol": "ES", "underSecType": "IND",
                },
            ),
        ),
        note="of a future",
    ),
    Case("contracts.contract_details_end", (41,), "52|1|41|", (("contractDetailsEnd", 41),)),
    Case(
        "contracts.option_parameters",
        (44, "CBOE", 756733, "SPYW", "100", (date(2026, 11, 27), date(2026, 12, 4)), (600.0, 602.5, 605.0)),
        "75|44|CBOE|756733|SPYW|100|2|20261127|20261204|3|600.0|602.5|605.0|",
        (
            (
                "securityDefinitionOptionParameter", 44, "CBOE", "756733", "SPYW", "100", ["20261127", "20261204"],
                [600.0, 602.5, 605.0],
            ),
        ),
        {
            library: (
                (
                    "securityDefinitionOptionParameter", 44, "CBOE", 756733, "SPYW", multiplier,
                    ["20261127", "20261204"], [600.0, 602.5, 605.0],
                ),
            )
            for library, multiplier in (("ibapi", "100"), ("stoqey", 100))
        },
    ),
    Case("contracts.option_parameters_end", (44,), "76|44|", (("securityDefinitionOptionParameterEnd", 44),)),
]  # fmt: skip
