"""No secret of a trader reaches a recording, and what is written instead has the same form."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ib_insync import Contract, Order
from ib_insync.client import Client
from ib_insync.objects import SoftDollarTier

from v6.simulator.recording.formats import form
from v6.simulator.recording.grammar import Block, parsed, walk
from v6.simulator.recording.layouts import ANSWERS, REQUESTS
from v6.simulator.recording.redact import Redactor

ACCOUNT, REF, EXECUTION, PERM = "U7654321", "gamma-harvest-7", "0000e0d5.6589abcd.01.01", "1876543219"
MONEY, USER, WORD = "-123456.78", "jsmith77", "zebra-crossing"
SECRETS = {
    "account": ACCOUNT, "ref": REF, "exec": EXECUTION, "perm": PERM, "money": MONEY, "user": USER, "secret": WORD,
    "group": REF, "by_key": MONEY, "xml": f'<Account name="{USER}"><id>{ACCOUNT}</id><w>{MONEY}</w></Account>',
    "text": f"order of {ACCOUNT} needs {MONEY} USD, also [987654.32]",
}  # fmt: skip
HIDDEN = {ACCOUNT, REF, EXECUTION, PERM, MONEY, MONEY[1:], USER, WORD, "987654.32"}
VERSIONS = (157, 163, 164, 166, 170, 176, 177, 178)


def wanted(block: Block) -> str:
    """A value that opens the block."""
    return block.value.split("|")[0] if block.sign == "=" else "1"


def filled(items, version, fields, opened, choice) -> None:
    """Append one value for each field of a layout, with every block open that `choice` can open."""
    for item in items:
        if isinstance(item, Block):
            chosen = opened.get(item.name, "")
            if item.op != "?" or item.sign != "=" or chosen in item.value.split("|"):
                filled(item.items, version, fields, opened, choice)
        elif item.name == "...":
            continue
        elif item.present(version):
            tests = choice.get(item.name, [])
            opened[item.name] = value = tests[0] if tests else SECRETS.get(item.kind, "7")
            fields.append(value)


def blocks(items):
    for item in items:
        if isinstance(item, Block):
            yield item
            yield from blocks(item.items)


def message(layout: str, version: int) -> list[str]:
    fields, choice = [], {}
    for block in blocks(parsed(layout)):
        choice.setdefault(block.name, []).append(wanted(block))
    filled(parsed(layout), version, fields, {}, choice)
    return fields


def leaked(fields: list[str]) -> set[str]:
    text = json.dumps(fields)
    return {secret for secret in HIDDEN if secret in text}


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(("table", "sent"), [(ANSWERS, False), (REQUESTS, True)])
def test_no_kind_of_message_carries_a_secret_into_the_recording(table, sent, version):
    carrying = 0
    for kind, layout in table.items():
        fields = [str(kind), *message(layout, version)]
        assert walk(layout, fields[1:], version).fits, f"the test cannot fill message {kind}"
        carrying += bool(leaked(fields))
        clean, masked = Redactor().message(fields, sent=sent, version=version)
        assert not masked
        assert len(clean) == len(fields)
        assert not leaked(clean), f"message {kind} at {version}"
    assert carrying >= (20 if sent is False else 14)


ANSWERS_WITH_SECRETS = [
    # written from the decoders, not from our layouts
    (178, ["3", "7", "Filled", "100", "0", "412.5", PERM, "0", "412.5", "3", "", "0"]),
    (178, ["4", "2", "7", "201", f"Order rejected - reason: account {ACCOUNT} lacks [1234.56 USD]", ""]),
    (178, ["6", "2", "NetLiquidation", MONEY, "USD", ACCOUNT]),
    (178, ["6", "2", "AccountCode", ACCOUNT, "", ACCOUNT]),
    (178, ["6", "2", "AccountOrGroup", ACCOUNT, "BASE", ACCOUNT]),
    (178, ["6", "2", "Owner", USER, "", ACCOUNT]),
    (178, ["7", "8", "756733", "SPY", "STK", "", "0.0", "0", "", "ARCA", "USD", "SPY", "SPY", "4321", "412.5", MONEY,
           "98765.43", MONEY, MONEY, ACCOUNT]),
    (157, ["11", "-1", "13", "76792991", "TSLA", "STK", "", "0.0", "", "", "ISLAND", "USD", "TSLA", "NMS", EXECUTION,
           "20230224  12:04:56", ACCOUNT, "ISLAND", "BOT", "100", "196.52", PERM, "100", "0", "100", "196.52", REF, "",
           "", REF, "2"]),
    (178, ["15", "1", f"{ACCOUNT},F1234567,DU998877,"]),
    (178, ["16", "1", "1", f"<ListOfGroups><Group><name>{REF}</name><ListOfAccts><String>{ACCOUNT}</String>"
           "</ListOfAccts></Group></ListOfGroups>"]),
    (178, ["54", "1", ACCOUNT]),
    (178, ["59", "1", EXECUTION, "1.23456789", "USD", MONEY, "", ""]),
    (178, ["61", "3", ACCOUNT, "756733", "SPY", "STK", "", "0.0", "", "", "ARCA", "USD", "SPY", "SPY", "4321",
           "98765.43"]),
    (178, ["63", "1", "9", ACCOUNT, "BuyingPower", MONEY, "USD"]),
    (178, ["73", "1", "9", ACCOUNT, REF, "NetLiquidation", MONEY, "USD"]),
    (178, ["78", "1", ACCOUNT, "F7654321"]),
    (178, ["94", "9", MONEY, MONEY, MONEY]),
    (178, ["95", "9", "4321", MONEY, MONEY, MONEY, "98765.43"]),
    (178, ["100", PERM, "3", "7"]),
    (178, ["107", "9", USER]),
]  # fmt: skip


@pytest.mark.parametrize(("version", "fields"), ANSWERS_WITH_SECRETS, ids=lambda value: str(value)[:12])
def test_secrets_in_the_places_the_clients_decoders_read_are_replaced(version, fields):
    clean, masked = Redactor().message(fields, sent=False, version=version)
    assert not masked
    text = json.dumps(clean)
    hidden = {*HIDDEN, "4321", "98765.43", "1234.56", "1.23456789", "F1234567", "DU998877", "F7654321"}
    assert not {secret for secret in hidden if secret in text}, text
    assert [len(field) for field in clean if field.isalpha()] == [len(field) for field in fields if field.isalpha()]


class Sent(Client):
    """ib_insync's client with the socket's end in our hand."""

    def __init__(self, version):
        self._version, self.frames = version, []

    def serverVersion(self):  # noqa: N802
        return self._version

    def isConnected(self):  # noqa: N802
        return True

    def sendMsg(self, msg):  # noqa: N802
        self.frames.append(msg)


@pytest.mark.parametrize("version", [157, 176])
def test_an_order_as_ib_insync_writes_it_tells_nothing_of_its_owner(version):
    order = Order(
        action="BUY", totalQuantity=100, orderType="LMT", lmtPrice=412.5, account=ACCOUNT, orderRef=REF, modelCode=REF,
        ocaGroup=REF, faGroup=REF, faProfile=REF, clearingAccount=ACCOUNT, settlingFirm=ACCOUNT,
        deltaNeutralOrderType="MKT", deltaNeutralClearingAccount=ACCOUNT, deltaNeutralSettlingFirm=ACCOUNT,
        extOperator=USER, mifid2DecisionMaker=USER, mifid2ExecutionTrader=USER, algoId=REF,
        softDollarTier=SoftDollarTier(REF, REF, REF), cashQty=123456.78,
    )  # fmt: skip
    client = Sent(version)
    client.placeOrder(7, Contract(conId=756733, symbol="SPY", secType="STK", exchange="SMART", currency="USD"), order)
    fields = client.frames[0].split("\0")[:-1]
    assert leaked(fields)
    clean, masked = Redactor().message(fields, sent=True, version=version)
    assert not masked, "our layout of placeOrder is not ib_insync's"
    assert not leaked(clean)
    assert clean[:2] == ["3", "7"]
    assert {"BUY", "100", "LMT", "412.5", "SPY"} <= set(clean)


def test_a_message_of_an_unknown_kind_keeps_only_its_shape():
    fields = ["250", "7", ACCOUNT, USER, MONEY, "SPY", "1876543219", "", "2147483647", "1.7976931348623157E308"]
    clean, masked = Redactor().message(fields, sent=False, version=178)
    assert masked
    assert not leaked(clean)
    assert clean[:2] == ["250", "7"]
    assert clean[2].startswith("DU9")
    assert clean[3] == "xxxxxx99"
    assert clean[5] == "XXX"
    assert clean[7:] == fields[7:]


def test_a_message_that_does_not_fit_its_layout_is_masked_as_unknown():
    fields = ["61", "3", "another field", ACCOUNT, *["x"] * 20, MONEY, REF]
    clean, masked = Redactor().message(fields, sent=False, version=178)
    assert masked
    assert not leaked(clean)


@pytest.mark.parametrize(
    "account",
    ["U1234567", "U12345678", "DU123456", "DU1234567", "F1234567", "F1234567A", "DF123456", "I1234567", "DUC00074"],
)
def test_account_ids_are_found_within_free_texts(account):
    clean, _ = Redactor().message(["4", "2", "-1", "2100", f"API client of {account}: unsubscribed ({account}).", ""],
                                  sent=False, version=178)  # fmt: skip
    assert account not in clean[4]
    assert clean[4] == "API client of DU9000001: unsubscribed (DU9000001)."


def test_the_same_secret_has_the_same_pseudonym_everywhere():
    redactor = Redactor()
    first, _ = redactor.message(["15", "1", f"{ACCOUNT},U1111111"], sent=False, version=178)
    second, _ = redactor.message(["6", "2", "NetLiquidation", "1", "USD", "U1111111"], sent=False, version=178)
    asked, _ = redactor.message(["6", "2", "1", ACCOUNT], sent=True, version=178)
    assert first[2].split(",") == [asked[3], second[5]]
    done, _ = redactor.message(["59", "1", EXECUTION, "1.0", "USD", "0.0", "", ""], sent=False, version=178)
    told, _ = redactor.message(["4", "2", "7", "202", f"execution {EXECUTION} of permId {PERM}", ""], sent=False,
                               version=178)  # fmt: skip
    assert told[4] == f"execution {done[2]} of permId {PERM}", "a permId never met is a number like any other"


def test_a_word_given_by_hand_is_hidden_in_every_field():
    redactor = Redactor([USER])
    clean, _ = redactor.message(
        ["84", "7", "1700000000", "BRFG", "id", f"news for {USER}", ""], sent=False, version=178
    )
    assert clean[5] == "news for xxxxxx99"
    listed, _ = redactor.message(["85", "1", USER, "name"], sent=False, version=178)
    assert USER not in listed


def test_pseudonyms_differ_from_recording_to_recording_where_they_could_be_turned_back():
    fields = ["6", "2", "NetLiquidation", MONEY, "USD", ACCOUNT]
    amounts = {Redactor().message(fields, sent=False, version=178)[0][3] for _ in range(8)}
    assert len(amounts) > 4


@settings(derandomize=True, deadline=None)
@given(st.from_regex(r"-?(0|[1-9][0-9]{0,9})(\.[0-9]{1,8})?(E-?[0-9]{1,2})?", fullmatch=True))
def test_an_amount_keeps_its_sign_its_form_and_its_zero(amount):
    clean = Redactor().money(amount)
    assert form("", clean) == form("", amount)
    assert clean.startswith("-") == amount.startswith("-")
    assert len(clean) == len(amount)
    if float(amount) == 0:
        assert clean == amount
    else:
        assert clean != amount
        assert float(clean) != 0


@pytest.mark.parametrize("unset", ["", "1.7976931348623157E308", "1.7976931348623157e+308", "2147483647", "NaN"])
def test_unset_amounts_stay_unset(unset):
    assert Redactor().money(unset) == unset


@settings(derandomize=True, deadline=None)
@given(st.lists(st.text(), max_size=30), st.booleans(), st.sampled_from(VERSIONS))
def test_whatever_comes_is_redacted_and_keeps_its_number_of_fields(fields, sent, version):
    clean, _ = Redactor([USER]).message([*fields], sent=sent, version=version)
    assert len(clean) == len(fields)
