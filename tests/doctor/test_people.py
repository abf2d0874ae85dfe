"""Whether a person, or somebody else's switch, would hear: from settings, the outbox and what was delivered."""

from datetime import timedelta

import pytest
from ward import Ward

from v6 import clock
from v6.journal import deliveries, events

URL = "json://127.0.0.1:9/"

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of apprise's own imports


def tell(ward: Ward, **variables: str) -> None:
    """In `.env`."""
    text = "".join(f'{name}="{value}"\n' for name, value in variables.items())
    (ward.home / ".env").write_text(text)


def left(ward: Ward, channel: str, what: str, error: str = "", minutes: float = 5.0) -> None:
    with ward.journal() as db:
        deliveries.record(db, channel, what, alerts=1, error=error)
        at = (clock.utc_now() - timedelta(minutes=minutes)).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        db.execute("UPDATE deliveries SET at = ? WHERE id = (SELECT max(id) FROM deliveries)", (at,))


def test_without_a_channel_nobody_is_told_and_that_is_wrong(ward: Ward) -> None:
    found = ward.ask("alerts")
    assert (found.state, "nobody is told of anything" in found.evidence) == ("failed", True)
    assert "v6 alerts test" in found.cure


def test_a_channel_that_was_never_tried_is_not_known_to_work_and_a_delivered_message_proves_it(at_work: Ward) -> None:
    tell(at_work, V6_ALERT_URLS=URL)
    found = at_work.ask("alerts")
    assert (found.state, found.cure) == ("could_not_check", "`v6 alerts test` sends a message")
    left(at_work, deliveries.ALERT, "V6: a test")
    found = at_work.ask("alerts")
    assert (found.state, found.evidence) == (
        "ok",
        "1 channel; the last message was delivered 5 min ago: V6: a test",
    )


def test_an_address_that_apprise_does_not_know_is_wrong_and_never_shown(at_work: Ward) -> None:
    tell(at_work, V6_ALERT_URLS=f"{URL} slak://secret-token")
    found = at_work.ask("alerts")
    assert (found.state, found.evidence) == ("failed", "V6_ALERT_URLS: address 2 of 2 (slak) is not an apprise URL")
    assert "secret-token" not in str(found)


def test_a_message_that_one_address_took_is_delivered_with_the_other_as_a_note(at_work: Ward) -> None:
    tell(at_work, V6_ALERT_URLS=URL)
    with at_work.journal() as db:
        deliveries.record(db, deliveries.ALERT, "V6: run failed", alerts=1)
        deliveries.record(db, deliveries.ALERT, "V6: run failed", error="address 2 of 2: gone")
    found = at_work.ask("alerts")
    assert found.state == "ok"
    assert found.evidence.endswith(": V6: run failed; not by every address: address 2 of 2: gone")


def test_a_message_that_was_not_delivered_is_wrong_until_a_later_one_was(at_work: Ward) -> None:
    tell(at_work, V6_ALERT_URLS=URL)
    left(at_work, deliveries.ALERT, "V6: run failed", "refused", minutes=10)
    found = at_work.ask("alerts")
    assert (found.state, "was not delivered: refused" in found.evidence) == ("failed", True)
    left(at_work, deliveries.ALERT, "V6: run failed")
    assert at_work.ask("alerts").state == "ok"


def test_an_alert_that_waits_for_hours_is_wrong(at_work: Ward) -> None:
    tell(at_work, V6_ALERT_URLS=URL)
    left(at_work, deliveries.ALERT, "V6: before")
    with at_work.journal() as db:
        events.raise_alert(db, severity="failure", title="disk full", body="", key="disk")
        assert at_work.ask("alerts").state == "ok", "it has its turn within the hour"
        db.execute("UPDATE alerts SET at = '2026-01-02T10:00:00.000Z'")
    found = at_work.ask("alerts")
    assert (found.state, "1 alerts wait, the oldest since 01-02 05:00 EST: disk full" in found.evidence) == (
        "failed",
        True,
    )


def test_without_a_switch_nobody_else_notices_and_it_says_so(ward: Ward) -> None:
    found = ward.ask("heartbeat")
    assert (found.state, "nobody else notices" in found.evidence) == ("could_not_check", True)


def test_a_ping_that_arrived_is_well_one_that_did_not_is_wrong(at_work: Ward) -> None:
    tell(at_work, V6_HEARTBEAT_URL="http://127.0.0.1:9/ping")
    assert "no ping has left yet" in at_work.ask("heartbeat").evidence
    left(at_work, deliveries.HEARTBEAT, "health_check success")
    found = at_work.ask("heartbeat")
    assert (found.state, found.evidence) == (
        "ok",
        "health_check pings; the last one arrived 5 min ago: health_check success",
    )
    left(at_work, deliveries.HEARTBEAT, "health_check success", "HTTP 404", minutes=1)
    found = at_work.ask("heartbeat")
    assert (found.state, "HTTP 404" in found.evidence, "127.0.0.1" in found.evidence) == ("failed", True, False)


def test_l25_a_switch_that_nothing_has_pinged_for_hours_is_wrong_though_the_last_one_arrived(at_work: Ward) -> None:
    tell(at_work, V6_HEARTBEAT_URL="http://127.0.0.1:9/ping")
    left(at_work, deliveries.HEARTBEAT, "health_check success", minutes=300)
    found = at_work.ask("heartbeat")
    assert (found.state, "but health_check was due " in found.evidence) == ("failed", True)


def test_a_task_with_an_address_of_its_own_is_named(at_work: Ward) -> None:
    tell(at_work, V6_HEARTBEAT_URL_COLLECT_OPTION_SNAPSHOTS="http://127.0.0.1:9/options")
    assert at_work.ask("heartbeat").evidence.startswith("collect_option_snapshots pings, but no ping has left yet")


@pytest.mark.parametrize("line", ["alerts", "heartbeat"])
def test_a_dotenv_that_cannot_be_read_is_said(ward: Ward, line: str) -> None:
    (ward.home / ".env").write_text("this is no assignment\n")
    found = ward.ask(line)
    assert (found.state, f"{ward.home}/.env: " in found.evidence) == ("could_not_check", True)
