"""What a service would refuse for its length arrives all the same, and no address shows in what it says."""

import json

import pytest
from apprise import OverflowMode

from receiver import listening
from v6.alerts.services import Service, redacted
from v6.alerts.templates import LONGEST

pytestmark = pytest.mark.filterwarnings("ignore:.* is deprecated:DeprecationWarning")  # what apprise's plugins import

LINES = "\n".join(f"{number:03} a line of a log" for number in range(LONGEST // 22))


@pytest.mark.integration
def test_a_long_message_arrives_in_parts_that_the_service_takes() -> None:
    """apprise itself would send it whole; Mattermost takes 4000 characters."""
    with listening() as receiver:
        Service(f"mmost://{receiver.place}/{'a' * 26}", "chat").send("failure", "V6: many alerts", LINES)
        parts = [json.loads(request.body)["text"] for request in receiver.requests]
    assert len(parts) == 2
    assert max(map(len, parts)) <= 4000
    assert all(line in "\n".join(parts) for line in LINES.splitlines())


@pytest.mark.parametrize(
    ("address", "mode"),
    [
        ("discord://123456789012345678/abcdefabcdef", OverflowMode.SPLIT),
        ("tgram://123456789:abcdefg_hijklmnop/12315544", OverflowMode.SPLIT),
        ("pover://user@token/", OverflowMode.TRUNCATE),
        ("discord://123456789012345678/abcdefabcdef?overflow=truncate", OverflowMode.TRUNCATE),
        ("tgram://123456789:abcdefg_hijklmnop/12315544?overflow=upstream", OverflowMode.UPSTREAM),
    ],
)
def test_few_words_are_cut_off_and_what_the_address_says_holds(address: str, mode: OverflowMode) -> None:
    assert Service(address, "one").instance().overflow_mode is mode


def test_a_secret_is_hidden_as_it_is_written_and_as_it_is_meant() -> None:
    address = "mailto://me:p%40ss%20word@example.com"
    assert redacted("p@ss word of me at example.com, p%40ss%20word", address) == "*** of me at ***, ***"
