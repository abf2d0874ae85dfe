"""What the kernel shows of a TWS that took our connection and says nothing, or hangs up: whether a program has accepted
it, and whether it has read what we sent, looked at while the connection still stands; whether it serves others. Nobody
is asked for it.

Accepted, read and silent is what a TWS does that shows its dialog "Accept incoming connection?", or waits for a login,
most likely: [unverified] on a real TWS. A forwarder reads everything at once, and a TWS that leaves connections of
many others in CLOSE_WAIT is stuck, so that neither is taken for a dialog.
"""

from dataclasses import dataclass
from typing import Any

from v6.gateway.port_sockets import PortSocket, PortSockets, far_end, port_sockets
from v6.gateway.sockets import CannotLook
from v6.gateway.verdicts import Verdict

FORWARDERS = (
    "docker-proxy", "rootlessport", "slirp4netns", "pasta", "gvproxy", "socat", "ssh", "sshd", "sshd-session",
    "autossh", "haproxy", "nginx", "stunnel", "stunnel4", "rinetd", "xinetd", "kubectl", "cloudflared", "tailscaled",
    "systemd-socket-proxyd",
)  # fmt: skip
STUCK_CLOSE_WAITS = 5
"""A healthy TWS also keeps one or two of clients that left without a word; one that is stuck gathers them."""
MOST_CLIENTS = 32
"""TWS serves no more at a time [IBKR's documents]."""
NAME_LENGTH = 15  # of a program's name, as the kernel keeps it


@dataclass(frozen=True, slots=True)
class Silence:
    """`accepted` and `unread` (bytes of ours that TWS has not read) None: not visible from here."""

    verdict: Verdict
    words: str
    accepted: bool | None = None
    unread: int | None = None

    def as_dict(self) -> dict[str, Any]:
        return {"accepted": self.accepted, "unread_by_tws": self.unread}


def of(host: str, port: int, local: tuple[str, int]) -> Silence:
    """Of the connection to `host`:`port` that begins at `local` and waits for an answer."""
    try:
        far, everything = far_end(port, local), port_sockets(host, port)
    except CannotLook as why:
        return Silence(Verdict.MUTE_AFTER_TCP, f"what TWS did with it cannot be seen: {why}")
    if far is None:
        why_not = everything.blind or "the kernel shows no other end of it"
        return Silence(Verdict.MUTE_AFTER_TCP, f"what TWS did with it cannot be seen: {why_not}")
    accepted = far.inode != 0
    verdict, words = _judge(far, everything, accepted)
    return Silence(verdict, words, accepted, far.unread)


def _judge(far: PortSocket, everything: PortSockets, accepted: bool) -> tuple[Verdict, str]:
    if not accepted:
        return Verdict.ACCEPT_QUEUE_STUCK, f"TWS never accepted it, queue {everything.queued}"
    if far.unread:
        return Verdict.MUTE_AFTER_TCP, f"accepted, but {far.unread} bytes of ours are unread: TWS is stuck"
    zombies = everything.count("CLOSE_WAIT", "tws")
    if zombies >= STUCK_CLOSE_WAITS:
        said = f"accepted and read, but {zombies} connections of clients that have left are in CLOSE_WAIT: TWS is stuck"
        return Verdict.MUTE_AFTER_TCP, said
    listener = everything.listener
    if listener is None or listener.pid is None:
        return Verdict.MUTE_AFTER_TCP, "accepted and read by a program that is hidden from this user"
    if listener.program in {name[:NAME_LENGTH] for name in FORWARDERS} | set(FORWARDERS):
        return Verdict.MUTE_AFTER_TCP, f"accepted and read by the forwarder {listener.owner}, TWS is not visible"
    said = f"accepted and read by {listener.owner}, and not answered"
    return (
        Verdict.WAITING_FOR_DIALOG,
        f"{said}; {zombies} in CLOSE_WAIT: if more come, TWS is stuck" if zombies else said,
    )


def hung_up(host: str, port: int) -> tuple[Verdict, str]:
    """Of `host`:`port` that ended our connection before it said anything: what serves others is no empty proxy."""
    try:
        seen = port_sockets(host, port, owners=False)
    except CannotLook:
        return Verdict.NOTHING_BEHIND, ""
    others = [row.side for row in seen.rows if row.state == "ESTABLISHED" and row.inode]
    served = max(others.count("tws"), others.count("client"))
    if not served:
        return Verdict.NOTHING_BEHIND, ""
    said = (
        f"TWS most likely is there: {served} other connections are served, and TWS takes {MOST_CLIENTS} clients at most"
    )
    return Verdict.MUTE_AFTER_TCP, said
