"""Error codes and their texts as TWS words them."""

NO_PERMISSION = {
    354: "Requested market data is not subscribed. Check API status by selecting the Account menu then under "
    "Management choose Market Data Subscription Manager and/or availability of delayed data.",
    10089: "Requested market data requires additional subscription for API. See link in 'Market Data Connections' "
    "dialog for more details. Delayed market data is available.",
    10168: "Requested market data is not subscribed. Delayed market data is not enabled.",
}
DELAYED_FOLLOWS = (10167, "Requested market data is not subscribed. Displaying delayed market data.")
MAX_RATE = 100
MAX_TICKERS = (101, "Max number of tickers has been reached")
NO_DEFINITION = (200, "No security definition has been found for the request")
AMBIGUOUS = (200, "The contract description specified for {symbol} is ambiguous; you must specify the multiplier "
             "or trading class.")  # fmt: skip
CANNOT_FIND = (300, "Can't find EId with tickerId:{request}")
BAD_REQUEST = 320
VALIDATION = 321
DUPLICATE_TICKER = (322, "Error processing request.-'bM' : cause - Duplicate ticker ID for API")
ID_IN_USE = (326, "Unable to connect as the client id is already in use. Retry with a unique client id.")
NO_DATA = (162, "Historical Market Data Service error message:HMDS query returned no data: {what}")
PACING = (162, "Historical Market Data Service error message:Historical data request pacing violation")
QUERY_CANCELLED = (162, "Historical Market Data Service error message:API historical data query cancelled: {request}")
NO_HEAD = (162, "Historical Market Data Service error message:No head time stamp")
NO_REAL_TIME = (420, "Invalid Real-time Query:No market data permissions for {exchange} {sec_type}. Requested market "
                "data requires additional subscription for API. See link in 'Market Data Connections' dialog for more "
                "details.")  # fmt: skip
REAL_TIME_PACING = (420, "Invalid Real-time Query:Historical data request pacing violation")
SCANS_ENDED = (162, "Historical Market Data Service error message:API scanner subscription cancelled: {request}")
NO_SCAN = (365, "No scanner subscription found for ticker id:{request}")
NO_LOCATION = (162, "Historical Market Data Service error message:Error: Market Scanner is not configured for one of "
               "the chosen locations.")  # fmt: skip
SCAN_DISABLED = (162, "Historical Market Data Service error message:Scanner type with code {code} is disabled.")
FILTER_DISABLED = (
    162,
    "Historical Market Data Service error message:Filter with code {code} is disabled.",
)  # unverified
NOTHING_FOUND = (165, "Historical Market Data Service query message:no items retrieved")
NO_HISTORY_QUERY = (366, "No historical data query found for ticker id:{request}")
# accounts; the two letters name a class of TWS and differ between its builds
SUMMARIES = (322, "Error processing request.-'b1' : cause - Maximum number of account summary requests exceeded; "
             "desubscribe to previous request first")  # fmt: skip
DUPLICATE_ID = (102, "Duplicate ticker id")
ACCOUNT_UNSUBSCRIBED = (2100, "API client has been unsubscribed from account data.")
ACCOUNT_REPLACED = (2100, "New account data requested from TWS.  API client has been unsubscribed from account data.")
NO_PROFIT = (10185, "Failed to cancel PNL (not subscribed)")
NO_PROFIT_SINGLE = (10186, "Failed to cancel PNL single (not subscribed)")
NO_DERIVED_VALUE = (2150, "Invalid position trade derived value")
NO_REQUEST = 2147483647  # the id of an error about a request that has none

# the rate, before it is a breach [ib_insync#443]; the count where it starts is not known: 42, 44 and 48 were seen
NEAR_RATE = (0, "Warning: Approaching max rate of {most} messages per second ({count})")
# [thetagang#178]
TOO_MANY_SNAPSHOTS = (321, "Error validating request.-'bW' : cause - Snapshot requests limitation exceeded:{most} "
                      "per 1 second(s)")  # fmt: skip

# IBKR's servers and farms [IBC#143, IBKR's message codes]
LINK_LOST = (1100, "Connectivity between IB and Trader Workstation has been lost.")
RESTORED_LOST = (1101, "Connectivity between IB and Trader Workstation has been restored - data lost.")
RESTORED_KEPT = (1102, "Connectivity between IB and Trader Workstation has been restored - data maintained.")
LINK_BROKEN = (2110, "Connectivity between Trader Workstation and server is broken. It will be restored automatically.")
NO_LIVE_BARS = (10182, "Failed to request live updates (disconnected).")
COMPETING = (10197, "No market data during competing live session")
COMPETING_HISTORY = (162, "Historical Market Data Service error message:Trading TWS session is connected from a "
                     "different IP address")  # fmt: skip
NO_HMDS = (162, "Historical Market Data Service error message:HMDS connection attempt failed.  Connection will be "
           "re-attempted...")  # fmt: skip


def validating(letters: str, cause: str) -> tuple[int, str]:
    """Error 321 about the fields of a request."""
    return VALIDATION, f"Error validating request.-'{letters}' : cause - {cause}"


def processing(letters: str, cause: str) -> tuple[int, str]:
    """Error 322 about a request that was read and cannot be carried out."""
    return 322, f"Error processing request.-'{letters}' : cause - {cause}"
