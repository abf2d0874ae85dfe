"""What each verdict says to a person and to a script, and that a diagnosis survives JSON."""

import json
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from v6.clock import NEW_YORK
from v6.gateway.errors import VERDICTS, ConnectCause, ConnectFailed
from v6.gateway.verdicts import TABLE, Diagnosis, Verdict

FOUND = Diagnosis(
    verdict=Verdict.CLIENT_ID_IN_USE,
    place="127.0.0.1:7497",
    detail="client id 8: TWS says 326",
    evidence=("the kernel's tables (before): LISTEN java (pid 4711), queue 0", "connected 0.001 s"),
    at=datetime(2026, 11, 24, 10, 35, 0, 123000, NEW_YORK),
    seconds=0.31,
    client_id=8,
    symbol="SPY",
    wire={"bytes_received": 211, "server_version": 176},
    sockets={"before": {"queued": 0, "rows": []}},
)
RECOVERABILITY = {
    Verdict.HEALTHY: 0,
    Verdict.REFUSED: 1,
    Verdict.UNREACHABLE: 1,
    Verdict.NOTHING_BEHIND: 1,
    Verdict.ACCEPT_QUEUE_STUCK: 1,
    Verdict.MUTE_AFTER_TCP: 1,
    Verdict.MUTE_AFTER_HANDSHAKE: 1,
    Verdict.WAITING_FOR_DIALOG: 2,
    Verdict.VERSION_TOO_OLD: 2,
    Verdict.CLIENT_ID_IN_USE: 1,
    Verdict.NO_ACCOUNT: 1,
    Verdict.FARMS_DOWN: 1,
    Verdict.NO_MARKET_DATA: 2,
    Verdict.COULD_NOT_CHECK: 1,
}


def test_every_verdict_has_words_a_meaning_and_a_cure() -> None:
    assert set(TABLE) == set(Verdict)
    for row in TABLE.values():
        assert all(text and text == text.strip() for text in (row.words, row.meaning, row.cure))
    assert len({row.words for row in TABLE.values()}) == len(Verdict)


def test_the_exit_code_says_whether_another_try_may_help() -> None:
    assert {verdict: row.exit_code for verdict, row in TABLE.items()} == RECOVERABILITY


def test_a_case_may_need_a_person_although_its_verdict_does_not_and_the_reverse() -> None:
    assert replace(FOUND, person=True).exit_code == 2
    assert replace(FOUND, verdict=Verdict.NO_MARKET_DATA).exit_code == 2
    assert replace(FOUND, verdict=Verdict.NO_MARKET_DATA, person=False).exit_code == 1


def test_a_diagnosis_comes_back_from_json_as_it_was() -> None:
    text = json.dumps(FOUND.as_dict())

    assert Diagnosis.from_dict(json.loads(text)) == FOUND
    assert json.loads(text)["cure"] == TABLE[Verdict.CLIENT_ID_IN_USE].cure
    assert json.loads(text)["exit_code"] == 1


@pytest.mark.parametrize("spoilt", [{"verdict": "splendid"}, {"at": "yesterday"}, {"evidence": None}, {"place": ...}])
def test_what_is_no_diagnosis_is_refused(spoilt: dict[str, object]) -> None:
    found = FOUND.as_dict() | spoilt
    if found["place"] is ...:
        del found["place"]

    with pytest.raises(ValueError, match=r"splendid|yesterday|not a diagnosis"):
        Diagnosis.from_dict(found)


def test_its_words_are_the_verdict_what_is_special_and_the_cure() -> None:
    assert FOUND.words.startswith("client id in use (127.0.0.1:7497): client id 8: TWS says 326. What to do: ")
    assert replace(FOUND, verdict=Verdict.HEALTHY, detail="").words == "healthy (127.0.0.1:7497)"


def test_its_age_is_told_on_the_clock_of_now() -> None:
    assert FOUND.age_at(FOUND.at + timedelta(seconds=4)) == 4.0


def test_every_cause_of_a_failed_connection_has_a_verdict_and_speaks_its_meaning() -> None:
    """One table, not two: the error of a run and the diagnosis say the same."""
    assert set(VERDICTS) == set(ConnectCause)
    for cause, verdict in VERDICTS.items():
        error = ConnectFailed(cause, "evidence")
        assert error.verdict is verdict
        assert str(error) == f"{cause}: {TABLE[verdict].meaning} (evidence)"


def test_what_the_kernel_knows_better_replaces_the_verdict_of_the_cause() -> None:
    error = ConnectFailed(ConnectCause.MUTE_BEFORE_HANDSHAKE, "evidence", verdict=Verdict.WAITING_FOR_DIALOG)

    assert error.cause is ConnectCause.MUTE_BEFORE_HANDSHAKE
    assert TABLE[Verdict.WAITING_FOR_DIALOG].meaning in str(error)


@pytest.mark.parametrize("cause", [ConnectCause.NOT_TWS, ConnectCause.VERSION])
def test_what_is_no_tws_or_too_old_is_not_worth_another_try(cause: ConnectCause) -> None:
    assert not ConnectFailed(cause, "evidence").recoverable
