"""Where each request carries its own id, and which requests TWS does not answer.

Names of the messages: `v6.simulator.message_names`.
"""

# message id -> place of the request id among the fields (the message id is 0); requests without one are left out
PLACES: dict[int, int] = {
    1: 2, 2: 2, 3: 1, 4: 2, 7: 2, 9: 2, 10: 2, 11: 2, 19: 4, 20: 1, 21: 2, 22: 1, 23: 2, 25: 2, 50: 2, 51: 2, 52: 2,
    53: 2, 54: 2, 55: 2, 56: 2, 57: 2, 62: 2, 63: 2, 67: 2, 68: 2, 69: 2, 70: 2, 74: 2, 75: 2, 76: 2, 77: 2, 78: 1,
    79: 1, 81: 1, 83: 1, 84: 1, 86: 1, 87: 1, 88: 1, 89: 1, 90: 1, 92: 1, 93: 1, 94: 1, 95: 1, 96: 1, 97: 1, 98: 1,
    100: 1, 101: 1, 102: 1, 103: 1, 104: 1,
}  # fmt: skip

# settings, cancels of what answers at once, and the bulletins, which come when there are any
SILENT = {12, 13, 14, 53, 56, 57, 89, 101, 103}
