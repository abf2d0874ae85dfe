"""The saved trading state: exact, whole at any moment, refused by name when it must not be used (L33, L35)."""

import json
import os
import signal
import subprocess
import sys
import threading
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import trading_states
from trading_states import AFTER, END, SAVED, SPY, START, STATES, execution, order, position, state
from v6 import clock
from v6.clock import NEW_YORK
from v6.model import Contract
from v6.restart.records import document
from v6.restart.records.difference import Became, compare
from v6.restart.records.document import Flaw, Flawed
from v6.restart.records.state_file import StateRefused, TradingStateManager
from v6.restart.records.trading_state import Part, TradingState
from v6.restart.records.typed_json import plain

HOUR = timedelta(hours=1)


@pytest.fixture
def manager(home: Path) -> TradingStateManager:
    return TradingStateManager(home / "var" / "state", keep=14, max_age=HOUR)


@pytest.fixture
def two_saved(manager: TradingStateManager) -> TradingState:
    """Yesterday's state is kept, tonight's is the current one."""
    yesterday = state(saved_at=SAVED - timedelta(days=1), restart_id=6)
    manager.save(yesterday)
    manager.save(state())
    return yesterday


def spoil(manager: TradingStateManager, old: str, new: str) -> None:
    text = manager.path.read_text()
    assert old in text
    manager.path.write_text(text.replace(old, new, 1))


def sealed(manager: TradingStateManager, schema: int = 1, **changes: Any) -> None:
    """Write a current state with a right checksum and other contents."""
    body = json.loads(manager.path.read_text())["body"]
    manager.path.write_bytes(document.encode("trading_state", schema, body | changes))


def read_or_flaw(manager: TradingStateManager) -> TradingState | Flawed:
    try:
        return manager.read()
    except Flawed as flawed:
        return flawed


def refusal(manager: TradingStateManager, now: datetime = AFTER, **wanted: Any) -> StateRefused:
    with pytest.raises(StateRefused) as caught:
        manager.load(now, **wanted)
    return caught.value


# exact


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(saved=STATES)
def test_what_is_read_is_exactly_what_was_saved(manager: TradingStateManager, saved: TradingState) -> None:
    manager.save(saved)

    assert manager.read() == saved
    assert repr(manager.read()) == repr(saved)


def test_prices_that_are_no_numbers_and_kinds_we_do_not_trade_survive(manager: TradingStateManager) -> None:
    bond: Any = "BOND"
    odd = position(Contract(bond, "US-T", "", 99, strike=float("inf")))
    manager.save(state(positions=(odd,), orders=(order(limit_price=float("nan")),)))

    read = manager.read()

    assert read.positions == (odd,)
    assert repr(read.orders[0].limit_price) == "nan"


def test_a_whole_number_where_a_price_belongs_is_read_as_the_price(manager: TradingStateManager) -> None:
    manager.save(state(orders=(order(quantity=5, limit_price=590),)))

    assert manager.read().orders == (order(quantity=5.0, limit_price=590.0),)


def test_a_state_that_could_not_be_read_back_does_not_replace_a_good_one(manager: TradingStateManager) -> None:
    manager.save(state())
    wrong: Any = "seven"

    with pytest.raises(ValueError, match=r"restart_id: 'seven' is wrong, allowed: int"):
        manager.save(state(restart_id=wrong))

    assert manager.read() == state()


def test_only_its_owner_can_read_account_numbers(manager: TradingStateManager) -> None:
    manager.save(state())

    assert {path.stat().st_mode & 0o777 for path in (manager.path, *manager.kept.glob("*.json"))} == {0o600}


# refused by name, the previous good one offered


@pytest.mark.parametrize(
    ("content", "flaw"),
    [
        (b"", Flaw.EMPTY),
        (b"\0" * 4096, Flaw.EMPTY),
        (b"not JSON\n}", Flaw.NO_DOCUMENT),
        (b"[" * 100_000, Flaw.TRUNCATED),
        (b'{"kind": "trading_state"\n}', Flaw.NO_DOCUMENT),
        (b'["an", "array"]', Flaw.NO_DOCUMENT),
        (b"\xff\xfe\n}", Flaw.NO_DOCUMENT),
    ],
)
@pytest.mark.usefixtures("two_saved")
def test_what_is_no_state_is_refused_and_the_kept_copy_offered(
    manager: TradingStateManager, content: bytes, flaw: Flaw
) -> None:
    manager.path.write_bytes(content)

    refused = refusal(manager)

    assert (refused.path, refused.flaw) == (manager.path, flaw)
    assert refused.previous is not None
    assert manager.read(refused.previous) == state()
    assert f"{manager.path}: {flaw}" in str(refused)
    assert f"the previous one is good: {refused.previous} (number 1, saved 2026-11-23 23:41:00 EST)" in str(refused)


@pytest.mark.usefixtures("two_saved")
def test_a_state_cut_off_anywhere_is_refused(manager: TradingStateManager) -> None:
    whole = manager.path.read_bytes()
    for length in (*range(1, len(whole) - 2, 97), len(whole) - 2):
        manager.path.write_bytes(whole[:length])

        assert refusal(manager).flaw is Flaw.TRUNCATED, length


@pytest.mark.usefixtures("two_saved")
@pytest.mark.parametrize(("old", "new"), [('"quantity": 5.0', '"quantity": 50.0'), ('"schema": 1', '"schema": 2')])
def test_a_changed_figure_is_tampering(manager: TradingStateManager, old: str, new: str) -> None:
    spoil(manager, old, new)

    refused = refusal(manager)

    assert refused.flaw is Flaw.TAMPERED
    assert "checksum" in refused.reason


@pytest.mark.usefixtures("two_saved")
def test_every_single_changed_byte_of_the_contents_is_noticed(manager: TradingStateManager) -> None:
    whole = manager.path.read_bytes()
    for at in range(whole.index(b'"body"') + 8, len(whole) - 4, 13):
        if chr(whole[at]).isspace():
            continue
        manager.path.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])

        refusal(manager)


@pytest.mark.usefixtures("two_saved")
def test_a_schema_of_another_version_is_refused_saying_which_is_allowed(manager: TradingStateManager) -> None:
    sealed(manager, schema=2)

    refused = refusal(manager)

    assert refused.flaw is Flaw.UNKNOWN_SCHEMA
    assert refused.reason == "its schema is 2, allowed: 1"


@pytest.mark.usefixtures("two_saved")
def test_a_field_of_the_wrong_form_is_refused_by_its_name(manager: TradingStateManager) -> None:
    sealed(manager, orders="none")

    assert refusal(manager).reason == "TradingState.orders: 'none' is wrong, allowed: list"


@pytest.mark.usefixtures("two_saved")
def test_an_unknown_field_is_refused_by_its_name(manager: TradingStateManager) -> None:
    sealed(manager, colour="blue")

    assert "fields colour: unknown or absent" in refusal(manager).reason


@pytest.mark.parametrize("instant", ["2026-11-23", "2026-11-23T23:41:00", "0001-01-01T00:00:00+14:00"])
@pytest.mark.usefixtures("two_saved")
def test_an_instant_without_zone_or_beyond_the_calendar_is_refused(manager: TradingStateManager, instant: str) -> None:
    sealed(manager, saved_at=instant)

    assert refusal(manager).flaw is Flaw.MALFORMED


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_whatever_stands_in_a_field_it_is_read_or_refused(manager: TradingStateManager, data: st.DataObject) -> None:
    body = plain(state())
    name = data.draw(st.sampled_from(sorted(body)))
    inner = body[name][0] if isinstance(body[name], list) and body[name] else None
    if isinstance(inner, dict) and data.draw(st.booleans()):
        inner[data.draw(st.sampled_from(sorted(inner)))] = data.draw(JSON_VALUES)
    else:
        body[name] = data.draw(JSON_VALUES)
    manager.path.parent.mkdir(parents=True, exist_ok=True)
    manager.path.write_bytes(document.encode("trading_state", 1, body))

    found = read_or_flaw(manager)

    assert isinstance(found, TradingState) or (found.flaw is Flaw.MALFORMED and "TradingState." in found.detail)


def test_a_document_nested_too_deeply_is_refused(manager: TradingStateManager) -> None:
    manager.path.parent.mkdir(parents=True)
    for depth in (200, 400, 600, 900, 5000):
        deep = '{"a": ' * depth + "1" + "}" * depth
        manager.path.write_text('{"kind": "", "schema": 1, "checksum": "", "body": ' + deep + "\n}")

        assert refusal(manager).flaw in (Flaw.TAMPERED, Flaw.NO_DOCUMENT)


def test_without_any_state_that_is_said(manager: TradingStateManager) -> None:
    refused = refusal(manager)

    assert (refused.flaw, refused.previous) == (Flaw.MISSING, None)
    assert "no other one is kept" in str(refused)


def test_a_missing_state_is_refused_with_the_kept_one(manager: TradingStateManager, two_saved: TradingState) -> None:
    manager.path.unlink()

    refused = refusal(manager)

    assert refused.flaw is Flaw.MISSING
    assert refused.previous is not None


def test_a_state_of_other_accounts_is_refused(manager: TradingStateManager) -> None:
    manager.save(state())

    refused = refusal(manager, accounts=["U1234567"])

    assert refused.flaw is Flaw.OTHER_ACCOUNTS
    assert refused.reason == "it is of DU9000001, TWS is signed in to U1234567"
    assert manager.load(AFTER, accounts=["U1234567", "DU9000001"]) == state()


def test_a_state_ahead_of_the_clock_is_refused_and_one_that_is_not_offered(
    manager: TradingStateManager, two_saved: TradingState
) -> None:
    refused = refusal(manager, SAVED - timedelta(minutes=3))

    assert refused.flaw is Flaw.FUTURE
    assert refused.reason.endswith("allowed: up to 120 s ahead")
    assert refused.previous is not None
    assert manager.read(refused.previous) == two_saved


def test_a_clock_that_stepped_back_a_little_is_no_reason_to_refuse(manager: TradingStateManager) -> None:
    manager.save(state())

    assert manager.load(SAVED - timedelta(minutes=1)) == state()


def test_in_the_repeated_hour_an_earlier_state_is_not_taken_for_a_later_one(manager: TradingStateManager) -> None:
    first = datetime(2026, 11, 1, 1, 50, tzinfo=NEW_YORK)
    manager.save(state(saved_at=first, window_start=None, window_end=None))

    assert manager.load(datetime(2026, 11, 1, 1, 20, fold=1, tzinfo=NEW_YORK)).saved_at == first
    assert refusal(manager, datetime(2026, 11, 1, 1, 55, fold=1, tzinfo=NEW_YORK)).flaw is Flaw.TOO_OLD


# age


def test_the_time_inside_its_window_does_not_make_a_state_old(manager: TradingStateManager) -> None:
    sunday = datetime(2026, 11, 22, 10, 0, tzinfo=NEW_YORK)
    saved = state(saved_at=sunday - timedelta(minutes=4), window_start=sunday, window_end=sunday + timedelta(hours=4))
    manager.save(saved)

    assert saved.age(sunday + timedelta(hours=3)) == timedelta(minutes=4)
    assert manager.load(sunday + timedelta(hours=4, minutes=55)) == saved
    assert refusal(manager, sunday + timedelta(hours=4, minutes=57)).flaw is Flaw.TOO_OLD


def test_a_state_saved_hours_before_its_window_is_too_old_after_it(manager: TradingStateManager) -> None:
    manager.save(state(saved_at=START - timedelta(hours=10)))

    refused = refusal(manager, END + timedelta(minutes=5))

    assert refused.flaw is Flaw.TOO_OLD
    assert "is 10 h 05 min out of date, allowed: 1 h 00 min outside its restart window" in refused.reason


def test_without_a_window_age_counts_from_the_saving(manager: TradingStateManager) -> None:
    manager.save(state(window_start=None, window_end=None))

    assert manager.load(SAVED + HOUR)
    assert refusal(manager, SAVED + HOUR + timedelta(seconds=1)).flaw is Flaw.TOO_OLD


def test_age_is_real_time_when_clocks_change(manager: TradingStateManager) -> None:
    start = datetime(2026, 10, 31, 23, 45, tzinfo=NEW_YORK)
    saved = state(saved_at=start, window_start=start, window_end=start + timedelta(minutes=20))

    assert saved.age(datetime(2026, 11, 1, 1, 5, fold=1, tzinfo=NEW_YORK)) == timedelta(hours=2)


# kept


def test_the_last_fourteen_are_kept_the_oldest_go(manager: TradingStateManager) -> None:
    for day in range(20):
        manager.save(state(saved_at=SAVED + timedelta(days=day)))

    kept = manager.history()

    assert len(list(manager.kept.glob("*.json"))) == 14
    assert [one.number for one in kept] == list(range(1, 14))
    saved = [one.state.saved_at.day for one in kept if one.state is not None]
    assert saved[:2] == [11, 10]  # the current one is of 12 December


def test_a_save_after_the_clock_went_back_is_kept(manager: TradingStateManager) -> None:
    for day in range(1, 20):
        manager.save(state(saved_at=SAVED + timedelta(days=day)))
    manager.save(state())
    manager.path.unlink()

    assert state() in [one.state for one in manager.history()]


def test_a_spoilt_kept_state_is_listed_with_what_is_wrong(
    manager: TradingStateManager, two_saved: TradingState
) -> None:
    [kept] = manager.history()
    kept.path.write_bytes(b"")

    [spoilt] = manager.history()

    assert spoilt.state is None
    assert spoilt.flaw.startswith("empty: ")
    manager.path.unlink()
    previous = refusal(manager).previous
    assert previous is not None
    assert manager.read(previous) == state()


# restore is a command that checks (L33)


@pytest.fixture
def _now(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("V6_CLOCK_OFFSET", f"{AFTER.timestamp() - clock.epoch():.0f}")


@pytest.mark.usefixtures("_now")
def test_a_restored_state_is_current_and_the_replaced_one_is_kept_l33(
    manager: TradingStateManager, two_saved: TradingState
) -> None:
    [kept] = manager.history()

    manager.restore(kept.path)

    assert manager.read() == two_saved
    assert [one.state for one in manager.history()] == [state()]


@pytest.mark.usefixtures("_now", "two_saved")
def test_a_spoilt_state_is_not_restored_over_a_good_one_l33(manager: TradingStateManager) -> None:
    [kept] = manager.history()
    kept.path.write_bytes(kept.path.read_bytes()[:-40])

    with pytest.raises(StateRefused, match="truncated"):
        manager.restore(kept.path)

    assert manager.read() == state()


@pytest.mark.usefixtures("_now", "two_saved")
def test_what_a_restore_replaces_is_kept_even_when_it_is_spoilt_l33(manager: TradingStateManager) -> None:
    manager.path.write_bytes(b"half a st")
    good = refusal(manager).previous
    assert good is not None

    manager.restore(good)

    assert b"half a st" in [path.read_bytes() for path in manager.kept.glob("*.json")]


# killed, and read by others, at any moment (L35)

SAVE = """
import sys
from datetime import timedelta
from pathlib import Path
sys.path.insert(0, sys.argv[2])
import trading_states
from v6.restart.records.state_file import TradingStateManager
manager = TradingStateManager(Path(sys.argv[1]), keep=3, max_age=timedelta(hours=1))
for day in range(1, int(sys.argv[3]) + 1):
    manager.save(trading_states.state(saved_at=trading_states.SAVED + timedelta(days=day), restart_id=day))
    print(day, flush=True)
"""


def saving(folder: Path, days: int, failpoint: str = "") -> "subprocess.Popen[str]":
    tests = str(Path(trading_states.__file__).parent)
    command = [sys.executable, "-c", SAVE, str(folder), tests, str(days)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=os.environ | {"V6_FAILPOINT": failpoint})


@pytest.mark.integration
@pytest.mark.parametrize(
    ("moment", "current"),
    [("write:20261125T044100.000000Z.json", None), ("save:kept", None), ("write:trading_state.json", None),
     ("save:replaced", 1)],
)  # fmt: skip
def test_a_save_that_is_killed_leaves_a_state_that_can_be_read_l35(
    manager: TradingStateManager, moment: str, current: int | None
) -> None:
    manager.save(state())
    process = saving(manager.path.parent, 1, moment)
    process.communicate()
    assert process.returncode == -signal.SIGKILL

    assert manager.read() == (state() if current is None else state(saved_at=SAVED + timedelta(days=1), restart_id=1))
    assert all(one.state is not None for one in manager.history())
    manager.save(state(restart_id=8))
    assert manager.read().restart_id == 8
    assert list(manager.path.parent.rglob(".*")) == []


FULL = """
import resource
resource.setrlimit(resource.RLIMIT_FSIZE, (600, 600))
"""


@pytest.mark.integration
def test_on_a_full_disk_the_state_of_before_stays_and_the_file_is_named(manager: TradingStateManager) -> None:
    manager.save(state())
    folder = manager.path.parent
    command = [sys.executable, "-c", FULL + SAVE, str(folder), str(Path(trading_states.__file__).parent), "1"]

    ended = subprocess.run(command, capture_output=True, text=True)

    assert ended.returncode == 1
    assert f"File too large: '{manager.kept}/" in ended.stderr
    assert manager.read() == state()
    assert list(folder.rglob(".*")) == []


@pytest.mark.integration
def test_readers_beside_a_writer_that_is_killed_never_see_half_a_state_l35(manager: TradingStateManager) -> None:
    manager.save(state())
    process = saving(manager.path.parent, 10_000)
    assert process.stdout is not None
    wrong: list[Exception] = []

    def read() -> None:
        while process.poll() is None:
            try:
                manager.read()
                manager.history()
            except Flawed as error:
                wrong.append(error)

    readers = [threading.Thread(target=read) for _ in range(2)]
    for reader in readers:
        reader.start()
    while process.stdout.readline().strip() not in ("60", ""):
        pass
    process.kill()
    process.communicate()
    for reader in readers:
        reader.join()

    assert wrong == []
    assert (manager.read().restart_id or 0) >= 60
    assert len(list(manager.kept.glob("[!.]*.json"))) <= 4  # a kill between the copy and the pruning leaves one more


# a rerun within the same restart (L35)


def test_orders_that_the_killed_run_cancelled_stay_in_the_state_l35(manager: TradingStateManager) -> None:
    manager.save(state())
    rerun = state(
        saved_at=SAVED + timedelta(minutes=1),
        orders=(order(502, client_id=30, status="PendingCancel"), order(503)),
        completed=(order(501, status="Cancelled"),),
    )

    merged = rerun.merged_with(manager.earlier(7, SAVED + timedelta(minutes=1)))

    assert [one.perm_id for one in merged.orders] == [501, 502, 503]
    assert [one.status for one in merged.orders] == ["Submitted", "Submitted", "Submitted"]
    assert merged.completed == rerun.completed
    assert merged.saved_at == rerun.saved_at


def test_positions_closed_by_the_killed_run_stay_in_the_state(manager: TradingStateManager) -> None:
    assert state(positions=()).merged_with(state()).positions == state().positions


def test_a_part_that_only_one_of_the_runs_could_read_is_read(manager: TradingStateManager) -> None:
    blind = state(positions=(), account_values={}, partial=("positions: no answer within 5 s",))

    assert state().merged_with(blind).positions == state().positions
    assert state().merged_with(blind).partial == ()
    assert blind.merged_with(state()).positions == state().positions
    assert blind.merged_with(state()).partial == ()
    assert blind.merged_with(blind).why_not(Part.POSITIONS) == "no answer within 5 s"


def test_a_fill_between_the_killed_run_and_the_rerun_is_known_after_midnight_too() -> None:
    """TWS forgets its executions at midnight, and the state is of before."""
    old, between = execution(400), execution(501)
    first = state(orders=(order(501),), executions=(old,))
    rerun = state(orders=(), executions=(old, between))

    merged = rerun.merged_with(first)
    [missing] = compare(merged, state(saved_at=AFTER, orders=())).missing

    assert (merged.executions, merged.later_executions) == ((old,), (between,))
    assert missing.became is Became.FILLED


def test_executions_are_those_the_later_run_could_read() -> None:
    blind = state(partial=("executions: no answer within 5 s",))

    assert blind.merged_with(state()).partial == blind.partial
    assert state(executions=(execution(),)).merged_with(blind).partial == ()


def test_the_highest_order_ids_of_both_runs_count() -> None:
    merged = state(order_ids={20: 40}).merged_with(state(order_ids={20: 12, 30: 12}))

    assert merged.order_ids == {20: 40, 30: 12}


def test_the_state_of_another_restart_is_not_mixed_in(manager: TradingStateManager) -> None:
    manager.save(state(restart_id=6))

    assert manager.earlier(7, SAVED) is None
    assert state(orders=()).merged_with(state(restart_id=6)).orders == ()


def test_a_run_by_hand_in_the_morning_is_not_the_before_of_the_evening(manager: TradingStateManager) -> None:
    manager.save(state(saved_at=START - timedelta(hours=13)))

    assert manager.earlier(7, SAVED) is None


@pytest.mark.usefixtures("two_saved")
def test_a_spoilt_file_does_not_hide_what_the_killed_run_saved_l35(manager: TradingStateManager) -> None:
    manager.path.write_bytes(b"")

    assert manager.earlier(7, SAVED) == state()


def test_a_subscription_counts_once(manager: TradingStateManager) -> None:
    other_exchange = Contract("STK", "SPY", "ARCA", SPY.con_id)

    assert state(subscriptions=(other_exchange,)).merged_with(state()).subscriptions == state().subscriptions
