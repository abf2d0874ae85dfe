"""The layout tests notice a message with one field lost, exchanged or changed.

Two scores: with the decoder alone (what a client would notice: nine of ten), and with the literal layout, which also
sees what no client reads or what all forgive: version numbers, sharesAllocation, the size of an index, `0.0` instead of
`0`. The second is complete as long as every field of every case is stated, which is what its assertion holds.
"""

import pytest
from layouts.decode import reader
from layouts.mutations import Score, score
from layouts.table import CASES, LIBRARY

pytestmark = [pytest.mark.both_libraries, pytest.mark.long]


def scores() -> dict[str, Score]:
    read, found = reader(LIBRARY), {}
    for case in CASES:
        score(case, LIBRARY, read, found.setdefault(case.builder, Score()))
    return found


def report(found: dict[str, Score], survivors: str) -> str:
    lines = [f"{'builder':<36} {'mutants':>8} {'noticed':>8} {'decoder':>8}"]
    for builder, each in sorted(found.items()):
        decoder = f"{each.noticed_by_decoder / each.read:.1%}" if each.read else "-"
        lines.append(f"{builder:<36} {each.made:>8} {each.noticed / each.made:>8.1%} {decoder:>8}")
    for each in found.values():
        lines += [f"  {name} ({times} layouts)" for name, times in getattr(each, survivors).items()]
    return "\n".join(lines)


def test_a_single_wrong_field_of_any_message_is_noticed_nine_times_of_ten_by_a_client_alone():
    found = scores()
    made, noticed = sum(each.made for each in found.values()), sum(each.noticed for each in found.values())
    readable = sum(each.read for each in found.values())
    by_decoder = sum(each.noticed_by_decoder for each in found.values())
    print(f"{noticed} of {made} mutants noticed; by {LIBRARY}'s decoder alone {by_decoder} of {readable}, "
          f"{by_decoder / readable:.1%}\n{report(found, 'survivors')}")  # fmt: skip
    assert made > 5000
    assert noticed == made, report(found, "survivors")
    assert by_decoder >= 0.9 * readable, report(found, "forgiven")
