"""The services alerts go to, through apprise: Slack, Discord, e-mail and a hundred more, each a URL."""

import logging
from collections.abc import Mapping, Sequence

from v6.alerts.outbox import DeliveryError, Send

URLS = "V6_ALERT_URLS"


def urls(environ: Mapping[str, str]) -> list[str]:
    """The configured apprise URLs, separated by spaces. They hold tokens: never log them."""
    return environ.get(URLS, "").split()


def sender(addresses: Sequence[str]) -> Send:
    """Send through every address. Raises DeliveryError when apprise knows no service for one of them."""
    import apprise

    services = apprise.Apprise()
    for number, address in enumerate(addresses, start=1):
        if not services.add(address):
            raise DeliveryError(f"{URLS}: address {number} of {len(addresses)} is not an apprise URL")

    def send(severity: str, title: str, body: str) -> None:
        with apprise.LogCapture(level=logging.WARNING) as said:  # type: ignore[no-untyped-call]
            if not services.notify(title=title, body=body, notify_type=severity):
                raise DeliveryError(_last_line(said.getvalue()) or "a service refused it")

    return send


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1][:300] if lines else ""
