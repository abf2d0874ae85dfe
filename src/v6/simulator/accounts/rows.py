"""Account values as TWS lists them: the account and its segments, and a ledger a currency with its BASE rows.

Keys, segments, formats and order: recordings of account updates (message 6: by key, then currency) and of account
updates multi (message 73: the account first, then a ledger a currency, BASE last). Only US dollars are held, so BASE
repeats them. Segment S is securities, C commodities.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from v6.simulator.accounts.positions import Holding
from v6.simulator.trading import margins

CURRENCY, BASE = "USD", "BASE"


class Row(NamedTuple):
    key: str
    value: str
    currency: str


# sent for the account and again for each segment
PARTED = (
    "AccruedCash", "AccruedDividend", "AvailableFunds", "Billable", "EquityWithLoanValue", "ExcessLiquidity",
    "FullAvailableFunds", "FullExcessLiquidity", "FullInitMarginReq", "FullMaintMarginReq", "Guarantee",
    "IncentiveCoupons", "IndianStockHaircut", "InitMarginReq", "LookAheadAvailableFunds", "LookAheadExcessLiquidity",
    "LookAheadInitMarginReq", "LookAheadMaintMarginReq", "MaintMarginReq", "NetLiquidation", "PASharesValue",
    "PhysicalCertificateValue", "PostExpirationExcess", "PostExpirationMargin", "TotalCashValue",
    "TotalDebitCardPendingCharges",
)  # fmt: skip
SECURITIES_ONLY = ("GrossPositionValue", "PreviousDayEquityWithLoanValue", "RegTEquity", "RegTMargin", "SMA")
WHOLE = ("BuyingPower", "NetLiquidationUncertainty")
# keys that the books do not compute themselves repeat another one
SAME_AS = {
    "FullAvailableFunds": "AvailableFunds",
    "FullExcessLiquidity": "ExcessLiquidity",
    "FullInitMarginReq": "InitMarginReq",
    "FullMaintMarginReq": "MaintMarginReq",
    "LookAheadAvailableFunds": "AvailableFunds",
    "LookAheadExcessLiquidity": "ExcessLiquidity",
    "LookAheadInitMarginReq": "InitMarginReq",
    "LookAheadMaintMarginReq": "MaintMarginReq",
    "PreviousDayEquityWithLoanValue": "EquityWithLoanValue",
    "RegTEquity": "EquityWithLoanValue",
    "RegTMargin": "InitMarginReq",
    "SMA": "AvailableFunds",
    "SettledCash": "TotalCashValue",
}
FACTS = {
    "AccountReady": "true",
    "ColumnPrio-C": "2",
    "ColumnPrio-S": "1",
    "DayTradesRemaining": "-1",
    "DayTradesRemainingT+1": "-1",
    "DayTradesRemainingT+2": "-1",
    "DayTradesRemainingT+3": "-1",
    "DayTradesRemainingT+4": "-1",
    "LookAheadNextChange": "0",
    "NLVAndMarginInReview": "false",
    "SegmentTitle-C": "US Commodities",
    "SegmentTitle-S": "US Securities",
    "TradingType-S": "STKNOPT",
    "WhatIfPMEnabled": "true",
}
# nothing of these kinds is ever held
EMPTY_LEDGER = (
    "FundValue", "NetDividend", "MutualFundValue", "MoneyMarketFundValue", "CorporateBondValue", "TBondValue",
    "TBillValue", "WarrantValue", "FxCashBalance",
)  # fmt: skip
# what reqAccountSummary knows besides PARTED, SECURITIES_ONLY, WHOLE and the ledger
SUMMARY_FACTS = ("AccountType", "Cushion", "DayTradesRemaining", "HighestSeverity", "Leverage", "LookAheadNextChange")


def number(values: Mapping[str, str], key: str) -> float:
    """A value of the books in dollars; 0.0 for what they do not know."""
    text = values.get(key) or values.get(SAME_AS.get(key, ""), "")
    try:
        return float(text)
    except ValueError:
        return 0.0


def futures_segment(holdings: Iterable[Holding]) -> dict[str, float]:
    """What segment C has: the futures, and the cash that is swept there to cover their initial margin."""
    held = [each for each in holdings if each.listing.sec_type == "FUT"]
    required = [margins.requirement(each.listing, each.quantity, each.price) for each in held]
    initial, maintenance = sum(each.initial for each in required), sum(each.maintenance for each in required)
    profit = sum(each.profit for each in held)
    swept = max(initial - profit, 0.0)
    equity = swept + profit
    return {
        "TotalCashValue": swept,
        "EquityWithLoanValue": equity,
        "NetLiquidation": equity,
        "InitMarginReq": initial,
        "MaintMarginReq": maintenance,
        "AvailableFunds": equity - initial,
        "ExcessLiquidity": equity - maintenance,
    }


def account_rows(account: str, values: Mapping[str, str], holdings: Iterable[Holding]) -> list[Row]:
    """The account and its segments, by key."""
    commodities = futures_segment(holdings)
    facts = FACTS | {
        "AccountCode": account,
        "AccountType": values.get("AccountType", "INDIVIDUAL"),
        "Cushion": cushion(values),
        "Leverage-S": leverage(values),
    }
    rows = [Row(key, value, "") for key, value in facts.items()]
    for key in PARTED:
        whole = number(values, key)
        futures = commodities.get(key, commodities.get(SAME_AS.get(key, ""), 0.0))
        rows += [
            Row(key, money(whole), CURRENCY),
            Row(f"{key}-C", money(futures), CURRENCY),
            Row(f"{key}-S", money(whole - futures), CURRENCY),
        ]
    for key in SECURITIES_ONLY:
        rows += [Row(name, money(number(values, key)), CURRENCY) for name in (key, f"{key}-S")]
    rows += [Row(key, money(number(values, key)), CURRENCY) for key in WHOLE]
    return sorted(rows)


def ledger_rows(owner: str, values: Mapping[str, str], holdings: Iterable[Holding], currency: str) -> list[Row]:
    """The ledger of one currency (or BASE) of an account or group."""
    held = list(holdings)

    def of(kind: str) -> Iterator[Holding]:
        return (holding for holding in held if holding.listing.sec_type == kind)

    cash, worth = number(values, "TotalCashValue"), number(values, "NetLiquidation")
    exact = currency == BASE
    named = {
        "Currency": currency,
        "CashBalance": fine(cash) if exact else money(cash),
        "TotalCashBalance": fine(cash) if exact else money(cash),
        "AccruedCash": money(number(values, "AccruedCash")),
        "StockMarketValue": money(sum(holding.value for holding in of("STK"))),
        "OptionMarketValue": money(sum(holding.value for holding in of("OPT"))),
        "FutureOptionValue": "0.00",
        "FuturesPNL": money(sum(holding.profit for holding in of("FUT"))),
        "NetLiquidationByCurrency": fine(worth),
        "UnrealizedPnL": money(number(values, "UnrealizedPnL")),
        "RealizedPnL": money(number(values, "RealizedPnL")),
        "ExchangeRate": "1.00",
        **dict.fromkeys(EMPTY_LEDGER, "0.00"),
        "AccountOrGroup": owner,
        "RealCurrency": currency,
        "IssuerOptionValue": "0.00",
        "Cryptocurrency": "0.00",
    }
    return [Row(key, value, currency) for key, value in named.items()]


def summary_row(tag: str, values: Mapping[str, str]) -> Row | None:
    """One tag of an account summary; None for a tag that TWS does not know, which it leaves out."""
    if tag in PARTED or tag in SECURITIES_ONLY or tag in WHOLE or tag == "SettledCash":
        return Row(tag, money(number(values, tag)), CURRENCY)
    if tag not in SUMMARY_FACTS:
        return None
    facts = {"Cushion": cushion(values), "Leverage": leverage(values), "HighestSeverity": "0"}
    return Row(tag, facts.get(tag) or values.get(tag) or FACTS.get(tag, "INDIVIDUAL"), "")


def together(parts: Sequence[Mapping[str, str]]) -> dict[str, str]:
    """The values of several accounts added up."""
    keys = dict.fromkeys(key for part in parts for key in part if key not in ("AccountType", "Cushion"))
    return {key: repr(sum(number(part, key) for part in parts)) for key in keys}


def cushion(values: Mapping[str, str]) -> str:
    """Excess liquidity as a share of net liquidation."""
    worth = number(values, "NetLiquidation")
    return f"{number(values, 'ExcessLiquidity') / worth:.6g}" if worth > 0 else "0"


def leverage(values: Mapping[str, str]) -> str:
    worth = number(values, "NetLiquidation")
    return f"{number(values, 'GrossPositionValue') / worth:.2f}" if worth > 0 else "0.00"


def money(value: float) -> str:
    return f"{value:.2f}"


def fine(value: float) -> str:
    """Two to four decimals, as TWS gives base cash and net liquidation a currency."""
    text = f"{value:.4f}".rstrip("0")
    whole, _, decimals = text.partition(".")
    return f"{whole}.{decimals:0<2}"
