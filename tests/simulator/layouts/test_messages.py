"""Every message of every builder, field by field, at each version where a layout changed.

The decoder is that of the TWS library of this environment: ib_insync (exact to 176), or ib_async (to 178) where the
suite runs on it. test_clients.py asks the other libraries.
"""

import pytest
from layouts.case import VERSIONS, builders
from layouts.check import decoded_complaints, layout_complaints, reads
from layouts.decode import decoded, reader
from layouts.table import CASES, LIBRARY

pytestmark = pytest.mark.both_libraries

# From recordings of real TWS of a plain order, a filled one, an execution, an error, a status, details of a stock
COUNTS = {
    "orders.open_order as recorded": {157: 128, 159: 129, 160: 130, 162: 131, 164: 131, 170: 136, 176: 136, 177: 135},
    "orders.completed_order as recorded": {157: 96, 164: 96, 170: 101, 176: 101, 177: 100, 178: 100},
    "orders.execution as recorded": {157: 31, 177: 31, 178: 32},
    "orders.order_status as recorded": {157: 12, 178: 12},
    "connection.error": {157: 5, 164: 5, 166: 6, 178: 6},
    "contracts.contract_details of a stock": {157: 39, 162: 39, 163: 40, 164: 40, 178: 40},
}


@pytest.fixture(scope="module")
def read():
    return reader(LIBRARY)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_message_is_written_as_tws_writes_it(case):
    complaints = {version: layout_complaints(case, version, case.fields(version)) for version in case.versions}
    assert not any(complaints.values()), complaints


@pytest.mark.parametrize("case", [case for case in CASES if case.decoded is not None], ids=str)
def test_a_client_reads_in_a_message_what_was_meant(case, read):
    versions = [version for version in case.versions if reads(case, LIBRARY, version)]
    assert versions
    complaints = {
        version: decoded_complaints(case, LIBRARY, version, decoded(read, version, case.fields(version)))
        for version in versions
    }
    assert not any(complaints.values()), complaints


@pytest.mark.parametrize("name", COUNTS)
def test_a_message_has_the_number_of_fields_recorded_from_real_tws(name):
    (case,) = [case for case in CASES if str(case) == name]
    assert {version: len(case.fields(version)) for version in COUNTS[name]} == COUNTS[name]


def test_every_builder_has_a_case():
    assert {case.builder for case in CASES} == builders()


def test_every_case_is_checked_at_every_version_that_changes_a_layout():
    covered = {}
    for case in CASES:
        covered.setdefault(case.builder, set()).update(case.versions)
    assert all(versions == set(VERSIONS) for versions in covered.values())
