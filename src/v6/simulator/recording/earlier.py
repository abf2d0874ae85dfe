"""What a simulator cannot know of a recording: orders and trades from before it, what a closed market does not send."""

from collections.abc import Sequence

from v6.simulator.recording.threads import Answer

PLACE_ORDER = 3
EXECUTION, COMMISSION, COMPLETED = 11, 59, 101
TRADES = frozenset({3, 5, EXECUTION, COMMISSION, COMPLETED})  # with order statuses and open orders
HOLDINGS = frozenset({7, 61, 71})  # portfolioValue, position, positionMulti
# fills, ticks, live bars
WHILE_OPEN = frozenset({EXECUTION, COMMISSION, COMPLETED, 1, 2, 21, 45, 46, 50, 99})
NO_PERM_ID = ("", "0")


class Earlier:
    """Follows the orders that clients place while they are recorded, and what belongs to no such order."""

    def __init__(self) -> None:
        self._placed: set[str] = set()
        self._answers: list[Answer] = []

    def add(self, talk: Sequence[Answer]) -> None:
        """The recorded answers of one connection."""
        trades = [answer for answer in talk if answer.kind in TRADES]
        self._answers += trades
        self._placed |= {answer.walked.value("perm_id") for answer in trades if _answers_an_order(answer)}

    def unknowable(self, kind: int, asked: str, *, closed: bool) -> str:
        """Why a kind of message that only one side has is no difference; empty when it is one."""
        if kind in HOLDINGS:
            return "what was held before the recording is not known to the simulator"
        if kind in WHILE_OPEN and closed:
            return "comes while the market is open, and it is closed then"
        mine = [answer for answer in self._answers if answer.kind == kind and answer.asked_name == asked]
        if mine and not any(map(self._belongs, mine)):
            return "of orders from before the recording, which the simulator cannot know"
        return ""

    def _belongs(self, answer: Answer) -> bool:
        """To an order that was placed while it was recorded."""
        if answer.kind == COMMISSION:
            exec_id = answer.walked.value("exec_id")
            return any(each.kind == EXECUTION and each.walked.value("exec_id") == exec_id and self._belongs(each)
                       for each in self._answers)  # fmt: skip
        perm_id = answer.walked.value("perm_id")
        return _answers_an_order(answer) or perm_id in NO_PERM_ID or perm_id in self._placed


def _answers_an_order(answer: Answer) -> bool:
    return answer.asked is not None and answer.asked.kind == PLACE_ORDER
