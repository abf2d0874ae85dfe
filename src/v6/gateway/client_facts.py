"""The part of the gateway that says what it has, and what its connection knows without asking."""

from v6.gateway.connection import Connection
from v6.gateway.errors import Disconnected
from v6.gateway.lines import Lines


class ConnectionFacts:
    _connection: Connection | None
    _lines: Lines | None

    @property
    def connection(self) -> Connection:
        if self._connection is None:
            raise Disconnected("the gateway is not open")
        return self._connection

    @property
    def lines(self) -> Lines:
        if self._lines is None:
            raise Disconnected("the gateway is not open")
        return self._lines

    @property
    def connected(self) -> bool:
        """Whether the socket is up; `current_time` is the proof that TWS answers (L24)."""
        return self._connection is not None and self._connection.alive

    @property
    def server_lost(self) -> bool:
        """Whether TWS says that it has lost IBKR (1100, 2110) and not yet that it is back."""
        return self._connection is not None and self._connection.link.lost

    @property
    def server_version(self) -> int:
        return self.connection.wire.version or 0

    @property
    def accounts(self) -> list[str]:
        return list(self.connection.receiver.accounts or ())

    @property
    def farms(self) -> dict[str, int]:
        """Data farm -> the last code TWS sent about it (error_codes.FARM_DOWN says which are bad)."""
        return dict(self.connection.receiver.farms)
