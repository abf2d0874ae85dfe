"""What a client's own placeOrder sends; also a program for another environment's Python.

    python encode.py LIBRARY

reads one JSON array `[version, contract, order]` of attributes a line, writes the sent fields as a JSON array. Lists of
dictionaries become the library's own legs, tags and conditions. Needs nothing but the library.
"""

import importlib
import json
import sys


def filled(thing, values):
    for name, value in values.items():
        if not hasattr(thing, name):
            raise AttributeError(f"{type(thing).__name__} has no {name}")
        setattr(thing, name, value)
    return thing


class Ib:
    """ib_insync and ib_async."""

    def __init__(self, library):
        self.client = importlib.import_module(library + ".client").Client
        self.order = importlib.import_module(library + ".order")
        self.contract = importlib.import_module(library + ".contract")
        self.objects = importlib.import_module(library + ".objects")

    def parts(self):
        return {
            "comboLegs": self.contract.ComboLeg, "deltaNeutralContract": self.contract.DeltaNeutralContract,
            "orderComboLegs": self.order.OrderComboLeg, "smartComboRoutingParams": self.contract.TagValue,
            "algoParams": self.contract.TagValue, "orderMiscOptions": self.contract.TagValue,
            "softDollarTier": self.objects.SoftDollarTier,
            "conditions": lambda **said: self.order.OrderCondition.createClass(said["condType"])(**said),
        }  # fmt: skip

    def sent(self, version, contract, order):
        client = self.client.__new__(self.client)
        client.isConnected = lambda: True
        client.serverVersion = lambda: version
        messages = []
        client.sendMsg = messages.append
        client.placeOrder(77, filled(self.contract.Contract(), contract), filled(self.order.Order(), order))
        return messages[0][:-1].split("\0")


class Official:
    """ibapi."""

    def __init__(self):
        self.client = importlib.import_module("ibapi.client").EClient
        self.order = importlib.import_module("ibapi.order")
        self.contract = importlib.import_module("ibapi.contract")
        self.conditions = importlib.import_module("ibapi.order_condition")

    def parts(self):
        def made(kind):
            return lambda **values: filled(kind(), values)

        tag = importlib.import_module("ibapi.tag_value").TagValue
        return {
            "comboLegs": made(self.contract.ComboLeg),
            "deltaNeutralContract": made(self.contract.DeltaNeutralContract),
            "orderComboLegs": made(self.order.OrderComboLeg), "smartComboRoutingParams": made(tag),
            "algoParams": made(tag), "orderMiscOptions": made(tag),
            "softDollarTier": importlib.import_module("ibapi.softdollartier").SoftDollarTier,
            "conditions": lambda **said: filled(self.conditions.Create(said["condType"]), said),
        }  # fmt: skip

    def sent(self, version, contract, order):
        client = self.client(type("Wrapper", (), {"logAnswer": None, "error": lambda *each: sys.exit(str(each))})())
        client.isConnected = lambda: True
        client.serverVersion = lambda: version
        messages = []
        client.sendMsg = messages.append
        client.placeOrder(77, filled(self.contract.Contract(), contract), filled(self.order.Order(), order))
        return messages[0][:-1].split("\0")


def writer(library):
    """`sent(version, contract, order)` of the library, for plain values."""
    api = Official() if library == "ibapi" else Ib(library)
    parts = api.parts()

    def built(values):
        return {
            name: [parts[name](**each) for each in value] if isinstance(value, list)
            else parts[name](**value) if isinstance(value, dict) else value
            for name, value in values.items()
        }  # fmt: skip

    return lambda version, contract, order: api.sent(version, built(contract), built(order))


def main():
    sent = writer(sys.argv[1])
    for line in sys.stdin:
        print(json.dumps(sent(*json.loads(line))))


if __name__ == "__main__":
    main()
