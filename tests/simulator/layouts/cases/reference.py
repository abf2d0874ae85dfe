"""Reference data."""

from layouts.case import Case, Since

from v6.simulator.messages.reference import Sample

CASES = [
    Case("reference.display_group_list", (71, (1, 2, 7)), "67|1|71|1\\|2\\|7|", (("displayGroupList", 71, "1|2|7"),)),
    Case(
        "reference.display_group_updated", (71, "756733@SMART"), "68|1|71|756733@SMART|",
        (("displayGroupUpdated", 71, "756733@SMART"),),
    ),
    Case(
        "reference.soft_dollar_tiers", (72, (("Tier1", "Value1", "Shown1"), ("Tier2", "Value2", "Shown2"))),
        "77|72|2|Tier1|Value1|Shown1|Tier2|Value2|Shown2|",
        (
            (
                "softDollarTiers", 72,
                [
                    {"name": "Tier1", "val": "Value1", "displayName": "Shown1"},
                    {"name": "Tier2", "val": "Value2", "displayName": "Shown2"},
                ],
            ),
        ),
    ),
    Case(
        "reference.family_codes", ((("DU9000001", "F1"), ("DU9000002", "F2")),), "78|2|DU9000001|F1|DU9000002|F2|",
        (
            (
                "familyCodes",
                [
                    {"accountID": "DU9000001", "familyCodeStr": "F1"},
                    {"accountID": "DU9000002", "familyCodeStr": "F2"},
                ],
            ),
        ),
    ),
    Case(
        "reference.symbol_samples",
        (
            73,
            (
                Sample(756733, "SPY", "STK", "ARCA", "USD", ("OPT", "WAR"), "SPDR S&P 500 ETF TRUST", "e1"),
                Sample(416904, "SPX", "IND", "CBOE", "EUR", (), "S&P 500", "e2"),
            ),
        ),
        "79|73|2|756733|SPY|STK|ARCA|USD|2|OPT|WAR|@176-:SPDR S&P 500 ETF TRUST|@176-:e1|416904|SPX|IND|CBOE|EUR|0|"
        "@176-:S&P 500|@176-:e2|",
        (
            (
                "symbolSamples", 73,
                [
                    {
                        "contract": {
                            "conId": 756733, "symbol": "SPY", "secType": "STK", "primaryExchange": "ARCA",
                            "currency": "USD", "description": Since(176, "SPDR S&P 500 ETF TRUST"),
                            "issuerId": Since(176, "e1"),
                        },
                        "derivativeSecTypes": ["OPT", "WAR"],
                    },
                    {
                        "contract": {
                            "conId": 416904, "symbol": "SPX", "secType": "IND", "primaryExchange": "CBOE",
                            "currency": "EUR", "description": Since(176, "S&P 500"), "issuerId": Since(176, "e2"),
                        },
                        "derivativeSecTypes": [],
                    },
                ],
            ),
        ),
    ),
    Case(
        "reference.depth_exchanges", ((("ARCA", "STK", "NYSE", "Deep2", 1), ("CBOE", "OPT", "", "Deep", 2)),),
        "80|2|ARCA|STK|NYSE|Deep2|1|CBOE|OPT||Deep|2|",
        (
            (
                "mktDepthExchanges",
                [
                    {
                        "exchange": "ARCA", "secType": "STK", "listingExch": "NYSE", "serviceDataType": "Deep2",
                        "aggGroup": 1,
                    },
                    {"exchange": "CBOE", "secType": "OPT", "listingExch": "", "serviceDataType": "Deep", "aggGroup": 2},
                ],
            ),
        ),
    ),
    Case(
        "reference.smart_components", (74, ((0, "NYSE", "N"), (1, "ARCA", "P"))), "82|74|2|0|NYSE|N|1|ARCA|P|",
        (
            (
                "smartComponents", 74,
                [
                    {"bitNumber": 0, "exchange": "NYSE", "exchangeLetter": "N"},
                    {"bitNumber": 1, "exchange": "ARCA", "exchangeLetter": "P"},
                ],
            ),
        ),
        {"stoqey": (("smartComponents", 74, {"0": ["NYSE", "N"], "1": ["ARCA", "P"]}),)},
    ),
    Case(
        "reference.news_providers", ((("BRFG", "Briefing.com"), ("DJNL", "Dow Jones")),),
        "85|2|BRFG|Briefing.com|DJNL|Dow Jones|",
        (
            (
                "newsProviders",
                [{"code": "BRFG", "name": "Briefing.com"}, {"code": "DJNL", "name": "Dow Jones"}],
            ),
        ),
    ),
    Case(
        "reference.market_rule", (26, ((0.0, 0.01), (3.0, 0.05))), "93|26|2|0|0.01|3|0.05|",
        (("marketRule", 26, [{"lowEdge": 0, "increment": 0.01}, {"lowEdge": 3, "increment": 0.05}]),),
    ),
    Case(
        "reference.historical_news_end", (76,), "87|76|1|", (("historicalNewsEnd", 76, True),), named={"more": True}
    ),
    Case(
        "reference.historical_news_end", (77,), "87|77|0|", (("historicalNewsEnd", 77, False),), named={"more": False},
        note="of all",
    ),
    Case(
        "reference.user_info", (75, "Brand"), "107|75|Brand|", (("userInfo", 75, "Brand"),), {"ibapi": ()},
        note="which ibapi 9.81 does not know",
    ),
]  # fmt: skip
