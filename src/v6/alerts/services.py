"""The services alerts go to, through apprise: Slack, Discord, e-mail and a hundred more, each a URL."""

import logging
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING
from urllib.parse import unquote

from v6.alerts.outbox import DeliveryError, Send

if TYPE_CHECKING:
    from apprise import NotifyBase

URLS = "V6_ALERT_URLS"
NOT_SECRET = frozenset(("http", "https", "localhost"))
SPLIT_FROM = 2000
"""Services that take so many characters at once get a longer message in parts: Discord 2000, Telegram 4096."""


def urls(environ: Mapping[str, str]) -> list[str]:
    """The configured apprise URLs, separated by spaces. They hold tokens: never log them."""
    return environ.get(URLS, "").split()


class Service:
    """One address. `label` names it without its secrets."""

    def __init__(self, address: str, label: str) -> None:
        self._address = address
        self.label = label

    def check(self) -> None:
        """Raises DeliveryError when apprise knows no service for it."""
        self.instance()

    def instance(self) -> "NotifyBase":
        """As apprise sends through it. Left to itself apprise sends a message that is too long as it is, and the
        service refuses it each time; so it is split, or cut off where the parts would be too many."""
        import apprise

        with apprise.LogCapture(level=logging.WARNING):  # type: ignore[no-untyped-call]
            found = apprise.Apprise.instantiate(self._address, suppress_exceptions=True)
        if found is None:
            raise DeliveryError(f"{self.label} is not an apprise URL")
        if "overflow=" not in self._address:
            takes_much = found.body_maxlen >= SPLIT_FROM
            found.overflow_mode = apprise.OverflowMode.SPLIT if takes_much else apprise.OverflowMode.TRUNCATE
        return found

    def send(self, severity: str, title: str, body: str) -> None:
        """Raises DeliveryError when it was not taken."""
        import apprise

        one = apprise.Apprise(self.instance())
        with apprise.LogCapture(level=logging.WARNING, fmt="%(message)s") as said:  # type: ignore[no-untyped-call]
            if one.notify(title=title, body=body, notify_type=severity):
                return
            why = redacted(_last_line(said.getvalue()), self._address)
        raise DeliveryError(f"{self.label}: {why or 'the service refused it'}")


def services(addresses: Sequence[str]) -> list[Service]:
    return [
        Service(address, f"{URLS}: address {number} of {len(addresses)}{_kind(address)}")
        for number, address in enumerate(addresses, start=1)
    ]


def sender(addresses: Sequence[str]) -> Send:
    """Send through every address; a message counts as taken when one of them took it."""
    known = services(addresses)

    def send(severity: str, title: str, body: str) -> list[str]:
        troubles = []
        for service in known:
            try:
                service.send(severity, title, body)
            except DeliveryError as error:
                troubles.append(str(error))
        if len(troubles) == len(known):
            raise DeliveryError("; ".join(troubles))
        return troubles

    return send


def redacted(text: str, address: str) -> str:
    """The text without the parts of the address that may be secret, as they stand there and decoded."""
    written = {part for part in re.split(r"[/:@?&=\s]+", address) if len(part) > 3 and part not in NOT_SECRET}
    parts = written | {unquote(part) for part in written}
    for part in sorted(parts, key=len, reverse=True):
        text = text.replace(part, "***")
    return text


def _kind(address: str) -> str:
    kind, mark, _ = address.partition("://")
    return f" ({kind})" if mark and kind.isalnum() else ""


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1][:300] if lines else ""
