"""What TWS's error codes mean, read in one place. Sources: IBKR's message codes page and public issue threads.

`scope` says what the message is about, `ends` whether it ends the request whose id it carries, `holds_line` whether a
market data line may stay open at TWS all the same (then it has to be cancelled).
"""

from dataclasses import dataclass, replace
from enum import StrEnum

from v6.model import MissReason


class Scope(StrEnum):
    REQUEST = "request"  # the request or order whose id it carries
    CONNECTION = "connection"  # this API connection
    SERVER = "server"  # TWS's own link to IBKR; the socket stays
    FARM = "farm"  # one data farm; the socket stays
    NOTICE = "notice"  # nothing failed


@dataclass(frozen=True, slots=True)
class ErrorCode:
    code: int
    scope: Scope
    meaning: str
    recoverable: bool = True
    miss: MissReason | None = None
    ends: bool = True
    holds_line: bool = False


def _request(
    code: int,
    meaning: str,
    miss: MissReason | None = None,
    *,
    again: bool = False,
    ends: bool = True,
    line: bool = False,
) -> ErrorCode:
    return ErrorCode(code, Scope.REQUEST, meaning, again, miss, ends, line)


def _other(scope: Scope, code: int, meaning: str) -> ErrorCode:
    return ErrorCode(code, scope, meaning, ends=False)


_ROWS = (
    _request(100, "more than 50 messages a second", MissReason.PACING, again=True),
    _request(101, "all market data lines are in use", MissReason.LINES, again=True),
    _request(103, "duplicate order id", again=False),
    _request(104, "a filled order cannot be changed"),
    _request(105, "the change does not fit the order"),
    _request(109, "price out of the range that TWS is set to"),
    _request(110, "price does not fit the contract's tick"),
    _request(135, "no order with this id"),
    _request(161, "the order cannot be cancelled now: it is over, or a cancel is under way"),
    _request(162, "historical data: read the text", again=True),
    _request(200, "no such contract", MissReason.NO_CONTRACT),
    _request(201, "order rejected"),
    _request(202, "order cancelled"),
    _request(203, "security not allowed for this account"),
    _request(300, "unknown ticker id: benign after a cancel", ends=False),
    _request(320, "TWS could not read the request"),
    _request(321, "bad request, or the API is read-only"),
    _request(322, "TWS failed on the request", again=True),
    _request(354, "not subscribed to these data", MissReason.NO_SUBSCRIPTION),
    _request(366, "no historical query with this id: benign after a cancel", ends=False),
    _request(383, "the order is larger than TWS is set to allow"),
    _request(420, "invalid real-time query: read the text", MissReason.NO_SUBSCRIPTION),
    _request(451, "the order is dearer than TWS is set to allow"),
    _request(10089, "these data need a subscription for the API", MissReason.NO_SUBSCRIPTION, ends=False, line=True),
    _request(10090, "part of these data is not subscribed", MissReason.NO_SUBSCRIPTION, ends=False, line=True),
    _request(10091, "part of these data needs a subscription", MissReason.NO_SUBSCRIPTION, ends=False, line=True),
    _request(10147, "no order with this id to cancel"),
    _request(10148, "the order cannot be cancelled: read its state in the text"),
    _request(10149, "not an order id"),
    _request(10168, "not subscribed, and delayed data are off", MissReason.NO_SUBSCRIPTION),
    _request(10186, "not subscribed, and delayed data are off", MissReason.NO_SUBSCRIPTION),
    _request(10187, "no market data permissions", MissReason.NO_SUBSCRIPTION),
    _request(10197, "a competing live session has the data", MissReason.COMPETING_SESSION, again=True, line=True),
    _other(Scope.NOTICE, 165, "historical query status"),
    _other(Scope.NOTICE, 399, "order message"),
    _other(Scope.NOTICE, 404, "shares to sell short are being looked for"),
    _other(Scope.NOTICE, 10349, "the order's time in force was taken from TWS's preset"),
    _other(Scope.NOTICE, 10167, "delayed data follow: the stream goes on"),
    _other(Scope.NOTICE, 2100, "account updates went to another request"),
    _other(Scope.CONNECTION, 326, "client id in use"),
    _other(Scope.CONNECTION, 502, "not connected"),
    _other(Scope.CONNECTION, 504, "not connected"),
    _other(Scope.CONNECTION, 507, "bad message length: the socket was cut"),
    _other(Scope.SERVER, 1100, "TWS lost IBKR"),
    _other(Scope.SERVER, 1101, "TWS has IBKR again, data were lost: subscribe again"),
    _other(Scope.SERVER, 1102, "TWS has IBKR again, data were kept"),
    _other(Scope.SERVER, 1300, "the API port was changed: the socket will be cut"),
    _other(Scope.SERVER, 2110, "the link between TWS and IBKR is broken"),
    _other(Scope.FARM, 2103, "market data farm down"),
    _other(Scope.FARM, 2104, "market data farm up"),
    _other(Scope.FARM, 2105, "historical data farm down"),
    _other(Scope.FARM, 2106, "historical data farm up"),
    _other(Scope.FARM, 2107, "historical data farm idle, up on demand"),
    _other(Scope.FARM, 2108, "market data farm idle, up on demand"),
    _other(Scope.FARM, 2119, "market data farm is connecting"),
    _other(Scope.FARM, 2157, "security definition farm down"),
    _other(Scope.FARM, 2158, "security definition farm up"),
    _other(Scope.FARM, 10182, "live updates failed after a disconnect"),
)
TABLE = {row.code: row for row in _ROWS}
FARM_DOWN = frozenset({2103, 2105, 2157})
FARM_CONNECTS = 2119  # what is asked of it now may stay unanswered [IBKR's documents]

HISTORICAL_TEXTS = (
    ("pacing violation", MissReason.PACING, True),
    ("different ip", MissReason.COMPETING_SESSION, True),
    ("competing", MissReason.COMPETING_SESSION, True),
    ("no data", MissReason.NO_TICK, False),
    ("no historical market data", MissReason.NO_TICK, False),  # for a kind that it does not keep [public issue threads]
    ("no market data permissions", MissReason.NO_SUBSCRIPTION, False),
    ("not subscribed", MissReason.NO_SUBSCRIPTION, False),
    ("query cancel", MissReason.DEADLINE, True),
)


def lookup(code: int, text: str = "") -> ErrorCode:
    """The row of `code`; 162 and 366 are decided by their text. Unknown: 21xx is a notice, anything else ends the
    request it names and may be tried again."""
    row = TABLE.get(code)
    if row is None:
        if 2100 <= code < 2200:
            return _other(Scope.NOTICE, code, "a notice this table does not know")
        return ErrorCode(code, Scope.REQUEST, "a code this table does not know")
    if code == 162:
        for words, miss, recoverable in HISTORICAL_TEXTS:
            if words in text.lower():
                return replace(row, miss=miss, recoverable=recoverable)
    return row
