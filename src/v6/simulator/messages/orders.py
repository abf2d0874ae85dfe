"""Orders and executions."""

from v6.simulator.wire import frame


def open_orders_end() -> bytes:
    return frame(53, 1)


def executions_end(request: int) -> bytes:
    return frame(55, 1, request)


def completed_orders_end() -> bytes:
    return frame(102)
