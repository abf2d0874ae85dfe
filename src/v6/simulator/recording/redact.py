"""What a recording must not tell: a table by the kind of a field, the kinds being written in the layouts."""

import hashlib
import hmac
import os
import re
from collections.abc import Callable, Sequence

from v6.simulator.recording.grammar import COUNT, Named, Walk, walk
from v6.simulator.recording.layouts import ANSWERS, REQUESTS

NUMBER = re.compile(r"[+-]?([0-9]+)(\.[0-9]+)?([eE][+-]?[0-9]+)?")
# U1234567 live, DU paper, F and DF advisors, I introducing brokers; a letter may follow either part
ACCOUNT = re.compile(r"(?<![A-Za-z0-9])(?:D?[UFI][A-Z]?)\d{4,9}[A-Z]?(?![A-Za-z0-9])")
AMOUNT = re.compile(
    r"(?<![\w.,])[+-]?\d[\d,]*(?:\.\d+)?(?= ?(?:[A-Z]{3}\b|\]))|(?<![\w.,])[+-]?\d[\d,]*\.\d\d(?![\w.])"
)
XML_TEXT = re.compile(r">([^<>]+)<|=\"([^\"]*)\"|^([^<>]+)$")
UNSET = {
    "1.7976931348623157E308",
    "1.7976931348623157e+308",
    "2147483647",
    "9223372036854775807",
    "NaN",
    "nan",
    "Infinity",
}
EVERYONE = {"", "All", "ALL", "-1", "0"}
# values of account keys that say nothing of a person; every other number is money, every other word is masked
OPEN_KEYS = {
    "AccountReady", "AccountType", "Billable", "ColumnPrio-C", "ColumnPrio-S", "Currency", "Cushion",
    "DayTradesRemaining", "DayTradesRemainingT+1", "DayTradesRemainingT+2", "DayTradesRemainingT+3",
    "DayTradesRemainingT+4", "ExchangeRate", "HighestSeverity", "Leverage-S", "LookAheadNextChange",
    "NLVAndMarginInReview", "RealCurrency", "SegmentTitle-C", "SegmentTitle-S", "TradingType-S", "WhatIfPMEnabled",
}  # fmt: skip
ACCOUNT_KEYS = {"AccountCode", "AccountOrGroup"}
SHORTEST_SECRET = 4


class Names:
    """Secrets and their pseudonyms; those long enough to be no accident are also found within texts."""

    def __init__(self) -> None:
        self._instead: dict[str, str] = {}
        self._pseudonyms: set[str] = set()
        self._pattern: re.Pattern[str] | None = None

    def __len__(self) -> int:
        return len(self._instead)

    def given(self, text: str) -> bool:
        """Whether it is a pseudonym and no secret."""
        return text in self._pseudonyms and text not in self._instead

    def learn(self, secret: str, instead: str) -> str:
        """The pseudonym: the one it already has, or that one."""
        if secret not in self._instead:
            self._instead[secret] = instead
            self._pseudonyms.add(instead)
            self._pattern = None
        return self._instead[secret]

    def replace(self, text: str) -> str:
        if self._pattern is None:
            secrets = sorted((s for s in self._instead if len(s) >= SHORTEST_SECRET), key=len, reverse=True)
            words = "|".join(map(re.escape, secrets)) or r"\b\B"
            self._pattern = re.compile(f"(?<![A-Za-z0-9])(?:{words})(?![A-Za-z0-9])")
        return self._pattern.sub(lambda match: self._instead[match[0]], text)


class Redactor:
    """One for a whole recording: the same secret always becomes the same pseudonym. `secrets`: words given by hand."""

    def __init__(self, secrets: Sequence[str] = (), salt: bytes | None = None) -> None:
        self._salt = os.urandom(16) if salt is None else salt
        self._people, self._names = Names(), Names()
        for secret in secrets:
            self._people.learn(secret, self.mask(secret))
        self._rules: dict[str, Callable[[str], str]] = {
            "account": self.account, "user": self.word, "ref": self.reference, "exec": self.shaped, "perm": self.shaped,
            "secret": self.shaped, "money": self.money, "text": self.text, "xml": self.xml, "group": self.group,
            "number": self.unknown,
        }  # fmt: skip

    def message(self, fields: Sequence[str], *, sent: bool, version: int) -> tuple[list[str], bool]:
        """The fields (message id first) without secrets; the flag: they do not fit their layout and were all masked."""
        if not fields:
            return [], True
        kind = int(fields[0]) if COUNT.fullmatch(fields[0]) else -1
        layout = (REQUESTS if sent else ANSWERS).get(kind)
        walked = walk(layout, fields[1:], version) if layout is not None else None
        if walked is None or not walked.fits:
            first = fields[0] if kind >= 0 else self.unknown(fields[0])
            return [first, *map(self.unknown, fields[1:])], True
        return [fields[0], *self._fields(walked), *walked.left], False

    def _fields(self, walked: Walk) -> list[str]:
        key = walked.value("key")
        return [self._by_key(key, field.value) if field.kind == "by_key" else self._field(field)
                for field in walked.fields]  # fmt: skip

    def _field(self, field: Named) -> str:
        rule = self._rules.get(field.kind)
        return rule(field.value) if rule is not None else self.known(field.value)

    def _by_key(self, key: str, value: str) -> str:
        if key in ACCOUNT_KEYS:
            return self.account(value)
        if key in OPEN_KEYS:
            return self.known(value)
        return self.money(value) if NUMBER.fullmatch(value) else self.word(value)

    # the rules

    def account(self, text: str) -> str:
        """One id or several, comma separated, each DU9 and six digits."""
        return ",".join(self._pseudonym(part, self._people, "DU9{:06d}") for part in text.split(","))

    def reference(self, text: str) -> str:
        return self._pseudonym(text, self._names, "REF{:04d}")

    def group(self, text: str) -> str:
        """An advisor's group; TWS also takes an account or the word All here."""
        return self.account(text) if ACCOUNT.fullmatch(text) else self.reference(text)

    def money(self, text: str) -> str:
        """Other digits, the same sign, decimals, exponent and unset marker; zero stays zero."""
        match = NUMBER.fullmatch(text)
        if match is None:
            return text if not text or text in UNSET else self.word(text)
        if text in UNSET or not float(text):
            return text
        return self._other_digits(text)

    def text(self, text: str) -> str:
        """Account ids and whatever was met before are replaced, amounts of money changed."""
        found = ACCOUNT.sub(lambda match: self.account(match[0]), self._names.replace(self.known(text)))
        return AMOUNT.sub(lambda match: self.money(match[0]) if "," not in match[0] else self.mask(match[0]), found)

    def xml(self, text: str) -> str:
        """Advisor configuration: the tags stay, every content and attribute is masked."""

        def hidden(match: re.Match[str]) -> str:
            content = next(part for part in match.groups() if part is not None)
            return match[0].replace(content, self._content(content)) if content.strip() else match[0]

        return XML_TEXT.sub(hidden, text)

    def _content(self, content: str) -> str:
        return self.account(content) if ACCOUNT.fullmatch(content) else self.shaped(content)

    def word(self, text: str) -> str:
        return text if text in UNSET or text in EVERYONE else self.mask(text)

    def shaped(self, text: str) -> str:
        """The same shape with other letters and digits, the same for the same text."""
        if text in UNSET or text in EVERYONE:
            return text
        return self._names.learn(text, self._other_digits(self.mask(text, digits=False), text))

    def unknown(self, text: str) -> str:
        """A field of an unknown message: short integers stay, every other digit and letter changes."""
        if ACCOUNT.fullmatch(text):
            return self.account(text)
        if text in UNSET or text in EVERYONE or re.fullmatch(r"-?\d{1,6}", text):
            return text
        if NUMBER.fullmatch(text):
            return self.money(text)
        return self.mask(self.known(text))

    def known(self, text: str) -> str:
        """Account ids, users and the words given by hand, wherever they stand."""
        if len(text) < SHORTEST_SECRET or text in UNSET:
            return text
        return ACCOUNT.sub(lambda match: self.account(match[0]), self._people.replace(text))

    # how

    def _pseudonym(self, text: str, what: Names, shape: str) -> str:
        if text in EVERYONE or what.given(text):
            return text
        return what.learn(text, shape.format(len(what) + 1))

    def mask(self, text: str, *, digits: bool = True) -> str:
        """Letters become x and X, digits 9: the shape of the text and nothing else."""
        masked = "".join("X" if char.isupper() else "x" if char.isalpha() else char for char in text)
        return re.sub(r"\d", "9", masked) if digits else masked

    def _other_digits(self, text: str, key: str = "") -> str:
        """Each digit another one, but leading zeros, the exponent and the zeros that end the decimals."""
        number, mark, exponent = text.partition("E") if "E" in text else text.partition("e")
        if not NUMBER.fullmatch(text):
            number, mark, exponent = text, "", ""
        last = len(number.rstrip("0")) if "." in number else len(number)
        turns = hmac.new(self._salt, (key or text).encode(errors="replace"), hashlib.sha256).digest()
        begun, changed = False, []
        for place, char in enumerate(number):
            if not char.isdigit() or place >= last or (char == "0" and not begun):
                changed.append(char)
                continue
            begun = True
            choices = [other for other in "123456789" if other != char]
            changed.append(choices[turns[place % len(turns)] % len(choices)])
        return "".join(changed) + mark + exponent
