"""placeOrder as bytes, and what frames say about orders."""

from typing import Any

SPY = (756733, "SPY", "STK", "", "0.0", "", "", "SMART", "", "USD", "", "")


def order_fields(order_id: int, **terms: Any) -> list[Any]:
    """placeOrder for SPY at version 178, with everything not named left as clients leave it."""
    order = {
        "action": "BUY", "quantity": 100, "type": "LMT", "limit": "", "aux": "", "tif": "DAY", "oca": "", "account": "",
        "transmit": 1, "parent": 0, "outside": 0, "gat": "", "gtd": "", "oca_type": 0, "what_if": 0, "contract": SPY,
        "model": "", "trail_stop": "", "percent": "", "offset": "", "aon": 0, "trigger": 0, "auto_cancel_parent": 0,
        "ref": "",
    } | terms  # fmt: skip
    return [
        3, order_id, *order["contract"], "", "", order["action"], order["quantity"], order["type"], order["limit"],
        order["aux"], order["tif"], order["oca"], order["account"], "", 0, order["ref"], order["transmit"],
        order["parent"], 0, 0, 0, order["trigger"], order["outside"], 0, "", 0, order["gat"], order["gtd"], "", "", "",
        order["model"], 0, "", -1, order["oca_type"], "", "", order["aon"], "", "", 0, 0, "", 0, "", "", "", "", "", 0,
        "", "", "", "", 0, "", order["trail_stop"], order["percent"], "", "", "", "", "", "", "", 0, "", "", 0, 0, "",
        "", order["what_if"], "", 0, 0, 0, 0, "", "", order["offset"], "", "", "", 0, "", "", "", "", "", "", "", "",
        0, 0, 0, "", "", "", order["auto_cancel_parent"], "", "",
    ]  # fmt: skip


def orders_only(frames: list[list[str]]) -> list[tuple[str, ...]]:
    """What the frames say about orders: the message and its status, or the error's code."""
    said: list[tuple[str, ...]] = []
    for fields in frames:
        if fields[0] == "5":
            said.append(("openOrder", status_of(fields)))
        elif fields[0] == "3":
            said.append(("orderStatus", fields[2]))
        elif fields[0] == "11":
            said.append(("execDetails", fields[19]))
        elif fields[0] == "59":
            said.append(("commissionReport",))
        elif fields[0] == "101":
            said.append(("completedOrder",))
        elif fields[0] == "4":
            said.append(("error", fields[3]))
    return said


STATUSES = {"PreSubmitted", "Submitted", "Filled", "Cancelled", "Inactive", "PendingCancel", "ApiCancelled"}


def status_of(fields: list[str]) -> str:
    """The order state's status in openOrder, wherever its version has it."""
    return next(field for field in fields if field in STATUSES)


def said(client: Any, *request: object) -> list[list[str]]:
    """Every frame that comes before the answer to a question asked right after the request."""
    if request:
        client.send(*request)
    client.send(49, 1)
    frames = []
    while True:
        frames.append(client.next())
        if frames[-1][0] == "49":
            return frames[:-1]


def errors(frames: list[list[str]]) -> list[tuple[int, str]]:
    return [(int(fields[3]), fields[4]) for fields in frames if fields[0] == "4"]


def statuses(frames: list[list[str]], order_id: int) -> list[str]:
    """The orderStatus steps of one order."""
    return [fields[2] for fields in frames if fields[0] == "3" and fields[1] == str(order_id)]


def wait(ib: Any, condition: Any, seconds: float = 5.0) -> bool:
    """Let ib_insync run until the condition holds."""
    import time

    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        ib.waitOnUpdate(timeout=0.1)
    return bool(condition())
