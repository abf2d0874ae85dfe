"""Order ids and permanent ids: which are taken, which come next."""

from dataclasses import dataclass, field

FIRST_PERM_ID = 1_000_000_000
# permanent ids start at a number that grows with the clock, so that a simulator without a state file does not reissue
# those of the run before; two a second leave room until 2037 in 31 bits
PERM_EPOCH, PERM_A_SECOND = 1_577_836_800, 2


@dataclass
class Ids:
    """`received`: per client the highest id that IB has got; `seen`: the highest that TWS has been told."""

    first: int = 1
    received: dict[int, int] = field(default_factory=dict)
    seen: dict[int, int] = field(default_factory=dict)
    last_perm: int = 0
    bound: int = 0
    executions: int = 0

    def next(self) -> int:
        """What nextValidId answers."""
        return max([self.first, *(highest + 1 for highest in self.seen.values())])

    def taken(self, client_id: int, order_id: int) -> bool:
        """Whether that client has used that id or a higher one."""
        return order_id <= self.seen.get(client_id, 0)

    def see(self, client_id: int, order_id: int) -> None:
        self.seen[client_id] = max(order_id, self.seen.get(client_id, 0))

    def receive(self, client_id: int, order_id: int) -> None:
        self.received[client_id] = max(order_id, self.received.get(client_id, 0))

    def roll_back(self) -> None:
        """As after a restart of TWS: it knows only what IB knows."""
        self.seen = dict(self.received)

    def perm(self, instant: float) -> int:
        """A permanent id, never used before."""
        if not self.last_perm:
            self.last_perm = FIRST_PERM_ID + max(int((instant - PERM_EPOCH) * PERM_A_SECOND), 0)
        self.last_perm += 1
        return self.last_perm

    def bind(self) -> int:
        """The order id a manual order gets when client 0 binds it: below 0."""
        self.bound -= 1
        return self.bound

    def execution(self, perm_id: int) -> str:
        self.executions += 1
        return f"0000e0d5.{perm_id:08x}.{self.executions:06x}.01"
