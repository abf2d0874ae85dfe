"""How @stoqey/ib names and types what the Python libraries read: the same table, translated."""

from typing import Any

from layouts.case import ABSENT, Before, Case, Since

UNSET = (1.7976931348623157e308, 2147483647, "1.7976931348623157E308")
KEPT_AS_NUMBER = ("aggGroup", "refFuturesConId")  # 2147483647 means nothing special there
RENAMED = {
    "primaryExchange": "primaryExch", "exch": "exchange", "condType": "type", "conjunction": "conjunctionConnection",
    "changePercent": "percent", "val": "value", "yield_": "yield", "familyCodeStr": "familyCode",
    "code": "providerCode", "comboLegsDescrip": "comboLegsDescription",
}  # fmt: skip
UNTRANSLATED = {  # attributes it does not have or keeps as text; the literal layout knows them
    "contractDetails": ("lastTradeTime", "lastTradeDateOrContractMonth"), "execDetails": ("time",),
    "scannerData": ("lastTradeDateOrContractMonth", "multiplier"), "updatePortfolio": ("exchange",),
}  # fmt: skip


def calls(case: Case) -> tuple[Any, ...]:
    """What the table says, as @stoqey has it."""
    if "stoqey" in case.by:
        return case.by["stoqey"]
    return tuple(tuple(translated(call, within=call[0])) for call in case.decoded or ())


def translated(value: Any, name: str = "", within: str = "") -> Any:
    """`value` of the attribute `name`, of an argument, or a whole call."""
    if isinstance(value, Before | Since):
        return type(value)(value.version, translated(value.value, name, within))
    if isinstance(value, dict):
        renamed = RENAMED | ({"name": "providerName"} if within == "newsProviders" else {})
        skipped = UNTRANSLATED.get(within, ())
        return {
            renamed.get(each, each): translated(content, each, within)
            for each, content in value.items()
            if each not in skipped
        }
    if isinstance(value, list | tuple):
        return [translated(each, within=within) for each in value]
    if name == "multiplier" or name.endswith(("Before", "Change", "After")):
        return ABSENT if value in UNSET else float(value or 0)
    if name == "right":
        return value if value in ("C", "P") else ABSENT
    return ABSENT if value in UNSET and name not in KEPT_AS_NUMBER else value


def heard(value: Any) -> Any:
    """What the program printed, with nothing where it has no value."""
    if isinstance(value, dict):
        return {name: heard(content) for name, content in value.items()}
    if isinstance(value, list):
        return [heard(each) for each in value]
    return ABSENT if value is None else value


def said(values: dict[str, Any]) -> dict[str, Any]:
    """An instruction or a contract as a @stoqey program describes it: unset values left out."""
    renamed = {RENAMED.get(name, name): value for name, value in values.items() if value != ""}
    if "softDollarTier" in renamed:
        renamed["softDollarTier"] = {"name": values["softDollarTier"]["name"], "value": values["softDollarTier"]["val"]}
    if "conditions" in renamed:
        renamed["conditions"] = [_condition(condition) for condition in values["conditions"]]
    if "orderComboLegs" in renamed:
        renamed["orderComboLegs"] = [
            {name: value for name, value in leg.items() if value not in UNSET} for leg in values["orderComboLegs"]
        ]
    return renamed


def _condition(values: dict[str, Any]) -> dict[str, Any]:
    text = next(
        (str(values[name]) for name in ("price", "time", "percent", "volume", "changePercent") if name in values), ""
    )
    return {RENAMED.get(name, name): value for name, value in values.items()} | {"strValue": text}
