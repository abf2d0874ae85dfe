"""Why TWS or IB does not take an order: codes and texts as they are worded on real wires or in IB's message table."""

from typing import NamedTuple


class Refusal(NamedTuple):
    """`by_server`: IB refused what TWS had sent on, so the order shows as Inactive."""

    code: int
    text: str
    by_server: bool = False


def validation(cause: str) -> Refusal:
    return Refusal(321, f"Error validating request.-'bG' : cause - {cause}")


def rejected(reason: str) -> Refusal:
    return Refusal(201, f"Order rejected - reason:{reason}", by_server=True)


READ_ONLY = Refusal(321, "Error validating request.-'bW' : cause - The API interface is currently in Read-Only mode.")
DUPLICATE_ID = Refusal(103, "Duplicate order id")
MODIFY_FILLED = Refusal(104, "Cannot modify a filled order.")
DOES_NOT_MATCH = Refusal(105, "Order being modified does not match original order.")
OUT_OF_RANGE = Refusal(109, "Price is out of the range defined by the Percentage setting at order defaults frame. The "
                       "order will not be transmitted.")  # fmt: skip
MIN_VARIATION = Refusal(110, "The price does not conform to the minimum price variation for this contract.")
TIF_AND_TYPE = Refusal(111, "The TIF (Tif type) and the order type are incompatible.")
CLOSE_NEEDS_DAY = Refusal(113, "The Tif option should be set to DAY for MOC and LOC orders.")
TYPE_CHANGE = Refusal(329, "Order modify failed. Cannot change to the new order type.")
ORDER_TYPE = validation("Invalid order type was entered")
SIDE = validation("Invalid side field was entered")
NO_EXCHANGE = validation("Missing order exchange")
WHAT_IF_TRANSMIT = validation("What-if order should have the transmit flag set to true")
UNSUPPORTED_TYPE = Refusal(387, "Unsupported order type for this exchange and security type.")
TIME = Refusal(391, "The time or time-zone entered is invalid. The correct format is hh:mm:ss xxx where xxx is an "
               "optionally specified time-zone. E.g.: 15:59:00 EST. Note that there is a space between the time and "
               "the time zone. If no time zone is specified, local time is assumed.")  # fmt: skip
STOP_PRICE = Refusal(403, "Invalid stop price.")
PERCENT = Refusal(159, "The percent offset value must be between 0% and 100%.")
ZERO_SIZE = Refusal(434, "The order size cannot be zero.")
NO_ALLOCATION = Refusal(436, "You must specify an allocation (either a single account, group, or profile).")
NO_PRICE = Refusal(463, "You must enter a valid price.")
TIF = Refusal(10052, "Invalid time in force.")
CASH_QUANTITY = Refusal(10244, "Cash Quantity cannot be used for this order")
NO_ALGORITHM = Refusal(439, "Order processing failed. Algorithm definition not found.")
PARENT_CHANGE = Refusal(10341, "Parent order id cannot be modified")
FRACTION = Refusal(10243, "Fractional-sized order cannot be placed via API. Please use desktop version to place this "
                   "order.")  # fmt: skip
NO_SHORTING = rejected("The contract is not available for short sale.")
PARENT_GONE = rejected("Parent order is being cancelled.")
GROUP_FILLED = rejected("OCA group is already filled.")
EXPIRED = rejected("This contract has expired.")
BOTH_SIDES = rejected("Cannot have open orders on both sides of the same US Option contract.")

# notices: the order goes on
TIF_PRESET = (10349, "Order TIF was set to DAY based on order preset.")
OUTSIDE_IGNORED = (2109, "Order Event Warning:Attribute 'Outside Regular Trading Hours' is ignored based on the order "
                   "type and destination. PlaceOrder is now being processed.")  # fmt: skip
CANCELED = 202
CANCELED_TEXT = "Order Canceled - reason:"
HELD_UNTIL = 399
NOT_CANCELLABLE = 161


def invalid_id(order_id: int) -> Refusal:
    return Refusal(10149, f"Invalid order id: {order_id}")


def no_parent(order_id: int) -> Refusal:
    return Refusal(135, f"Can't find order with id ={order_id}")


def invalid_account(account: str) -> Refusal:
    return validation(f"Invalid account code '{account}'.")


def too_large(order_id: int, most: float) -> Refusal:
    return Refusal(383, f'The following order "ID:{order_id}" size exceeds the Size Limit of {most:g}. Restriction is '
                   "specified in Precautionary Settings of Global Configuration/Presets.")  # fmt: skip


def too_dear(order_id: int, value: float, most: float) -> Refusal:
    return Refusal(451, f'The following order "ID:{order_id}" value estimate of {value:,.2f} USD exceeds the Total '
                   f"Value Limit of {most:,.0f} USD. Restriction is specified in Precautionary Settings of Global "
                   "Configuration/Presets.")  # fmt: skip


def too_many(most: int) -> Refusal:
    return rejected(f"Your account has a minimum of {most} orders working on either the buy or sell side for this "
                    "particular contract. An additional order on the same side for this contract will not be allowed "
                    "until an existing order has been cancelled.")  # fmt: skip


def margin(equity: float, initial: float) -> Refusal:
    return rejected("We are unable to accept your order. Your Available Funds are in sufficient to cover the change in "
                    "the account's margin requirements if this order executes. In order to obtain the desired position "
                    f"your Equity with Loan Value [{equity:.2f} USD] must exceed the new total Initial Margin of "
                    f"[{initial:.2f} USD].")  # fmt: skip


def aggressive(limit: float) -> str:
    """The reason of the 202 with which IB ends an order whose limit is too far through the market."""
    return f"We cannot accept an order at a limit price at or more aggressive than {limit:.6f}"


def held_until(description: str, wall: str) -> str:
    """The text of 399: three lines."""
    return f"Order Message:\n{description}\nWarning: your order will not be placed at the exchange until {wall}"


def cancel_unknown(order_id: int) -> Refusal:
    return Refusal(10147, f"OrderId {order_id} that needs to be cancelled is not found.")


def cancel_late(order_id: int, state: str) -> Refusal:
    return Refusal(10148, f"OrderId {order_id} that needs to be cancelled cannot be cancelled, state: {state}.")


def not_cancellable(perm_id: int) -> str:
    return f"Cancel attempted when order is not in a cancellable state.  Order permId ={perm_id}"
