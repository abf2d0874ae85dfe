"""How a field is written, apart from its value: the forms that must agree between a recording and our answers."""

import re
from collections import Counter
from dataclasses import dataclass, field

UNSETS = {
    "1.7976931348623157E308": "unset, Java's largest double",
    "1.7976931348623157e+308": "unset, C's largest double",
    "2147483647": "unset, largest integer",
    "9223372036854775807": "unset, largest long",
}
NUMBER = re.compile(r"[+-]?[0-9]+(?:\.(?P<decimals>[0-9]+))?(?P<exponent>[eE][+-]?[0-9]+)?")
NOT_FINITE = {"nan", "inf", "-inf", "infinity", "-infinity"}
BOOLS = {"0": "0 or 1", "1": "0 or 1", "true": "true or false", "false": "true or false",
         "True": "True or False", "False": "True or False", "": "empty"}  # fmt: skip
RIGHTS = {"C": "C or P", "P": "C or P", "CALL": "CALL or PUT", "PUT": "CALL or PUT", "0": "0", "?": "?", "": "empty"}
EPOCH = re.compile(r"1\d{9}(?P<milliseconds>\d{3})?")
ZONE = re.compile(r"(?P<clock>.*\d)(?P<gap> +)(?P<zone>[A-Za-z][\w/+\- ]*)$")
HOURS = re.compile(r"(\d{8}:\d{4}-\d{8}:\d{4}|\d{8}:CLOSED)")
ENOUGH = 4
# where Java begins to write exponents
TINY, HUGE = 1e-3, 1e7
FILLED = ", filled up"


@dataclass
class Forms:
    """The forms a field took in one place, and how often; `whole`: how numbers without a fraction were written."""

    families: Counter[str] = field(default_factory=Counter)
    variants: dict[str, Counter[str]] = field(default_factory=dict)
    examples: dict[str, str] = field(default_factory=dict)

    def add(self, kind: str, value: str) -> None:
        family, variant = form(kind, value)
        self.families[family] += 1
        self.examples.setdefault(family, value)
        if variant:
            self.variants.setdefault(family, Counter())[variant] += 1
            self.examples.setdefault(f"{family} {variant}", value)

    def __str__(self) -> str:
        return ", ".join(f"{family} ({' or '.join(sorted(self.variants[family]))})" if self.variants.get(family)
                         else family for family in sorted(self.families))  # fmt: skip

    def example(self) -> str:
        return next(iter(self.examples.values()), "")


def form(kind: str, value: str) -> tuple[str, str]:
    """Family and variant. Values of one field may differ in family; where families meet, variants must too."""
    if kind == "right":
        return ("right", RIGHTS.get(value, "another word"))
    if kind == "flag":
        return ("flag", BOOLS.get(value, "neither"))
    if not value:
        return ("empty", "")
    if value in UNSETS:
        return ("unset", UNSETS[value])
    if value.lower() in NOT_FINITE:
        return ("not finite", value)
    if kind == "date":
        return ("time", date_form(value))
    if kind == "hours":
        return ("hours", ";".join(sorted({HOURS.sub("span", part) for part in value.split(";")})))
    number = NUMBER.fullmatch(value)
    return ("number", number_form(number)) if number else ("text", word_form(value))


def number_form(number: re.Match[str]) -> str:
    """Decimals that end in a zero were filled up to their number; others may be the shortest form."""
    decimals, exponent = number["decimals"], number["exponent"]
    size = abs(float(number[0]))
    range_ = "tiny" if 0 < size < TINY else "huge" if size >= HUGE else "middling"
    if exponent:
        return (
            f"{range_} as {exponent[0]}{'+' if '+' in exponent else ''}{'0' if re.search(r'[+-]0', exponent) else ''}n"
        )
    if decimals is None:
        return "whole as n"
    if decimals == "0":
        return "whole as n.0" if size < HUGE else "huge as digits"
    if range_ != "middling" and not decimals.endswith("0"):
        return f"{range_} as digits"
    return f"{len(decimals)} decimals{FILLED if decimals.endswith('0') else ''}"


def date_form(value: str) -> str:
    if epoch := EPOCH.fullmatch(value):
        return "epoch milliseconds" if epoch["milliseconds"] else "epoch seconds"
    zone = ZONE.match(value)
    clock = re.sub(r"\d", "9", zone["clock"] if zone else value)
    if not zone:
        return clock
    name = "Area/City" if "/" in zone["zone"] else "abbreviation" if zone["zone"].isupper() else "words"
    return f"{clock}{zone['gap']}{name}"


def word_form(value: str) -> str:
    """The case of one word: enumerations differ by it. Free text has no form."""
    if not value.isalpha() or value != value.strip():
        return ""
    return "UPPER" if value.isupper() else "lower" if value.islower() else ""


def differ(recorded: Forms, ours: Forms) -> str:
    """What cannot both be TWS's way of writing; nothing when they can."""
    if not recorded.families or not ours.families:
        return ""
    if not recorded.families.keys() & ours.families.keys():
        return f"{recorded} like {recorded.example()!r}, ours {ours} like {ours.example()!r}"
    for family in sorted(recorded.families.keys() & ours.families.keys()):
        theirs, mine = recorded.variants.get(family, Counter()), ours.variants.get(family, Counter())
        if family == "number":
            if said := numbers_differ(theirs, mine):
                return f"{said}, like {recorded.examples[family]!r}, ours {ours.examples[family]!r}"
            continue
        if family == "text":
            theirs, mine = _settled(theirs, recorded, family), _settled(mine, ours, family)
        if theirs and mine and not theirs.keys() & mine.keys():
            return _words(family, theirs, mine, recorded, ours)
    return ""


def numbers_differ(theirs: Counter[str], mine: Counter[str]) -> str:
    """How whole numbers, exponents and the count of decimals are written; nothing where either could be."""
    for kind in ("whole", "tiny", "huge", "middling"):
        left, right = ({name for name in side if name.startswith(kind)} for side in (theirs, mine))
        if (left and right and not left & right) or (kind == "middling" and left != right):
            left, right = left or {"without exponent"}, right or {"without exponent"}
            return f"{' or '.join(sorted(left))}, ours {' or '.join(sorted(right))}"
    for fixed, other, said in ((theirs, mine, "always {}, ours not"), (mine, theirs, "ours always {}, not so there")):
        filled = {name.removesuffix(FILLED) for name in fixed if name.endswith(FILLED)}
        if len(filled) == 1 and any(name.removesuffix(FILLED) not in filled for name in other):
            return said.format(*filled)
    fractions = [_fractions(side) for side in (theirs, mine)]
    enough = all(sum(side.values()) >= ENOUGH for side in (theirs, mine))
    if enough and sorted(fractions) == [0.0, 1.0]:
        return f"{'always' if fractions[0] else 'never'} a fraction, ours {'always' if fractions[1] else 'never'}"
    return ""


def _fractions(side: Counter[str]) -> float:
    """The share of numbers with decimals."""
    return sum(count for name, count in side.items() if "decimals" in name) / sum(side.values())


def _words(family: str, theirs: Counter[str], mine: Counter[str], recorded: Forms, ours: Forms) -> str:
    left, right = next(iter(theirs)), next(iter(mine))
    return (f"{family}: {' or '.join(theirs)} like {recorded.examples[f'{family} {left}']!r}, "
            f"ours {' or '.join(mine)} like {ours.examples[f'{family} {right}']!r}")  # fmt: skip


def _settled(variants: Counter[str], forms: Forms, family: str) -> Counter[str]:
    """Case counts only where every value of the field has it."""
    return variants if sum(variants.values()) == forms.families[family] else Counter()
