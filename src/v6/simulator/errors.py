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
NOT_CONNECTED = (504, "Not connected")
NO_DATA = (162, "Historical Market Data Service error message:HMDS query returned no data: {what}")
NO_HISTORY_QUERY = (366, "No historical data query found for ticker id:{request}")
CANCEL_UNKNOWN = (10147, "OrderId {request} that needs to be cancelled is not found.")
NOT_MODELLED = "Error validating request.-'sim' : cause - {name} is not modelled by this simulator"

FARMS = (
    (2104, "Market data farm connection is OK:usfarm"),
    (2104, "Market data farm connection is OK:usopt"),
    (2104, "Market data farm connection is OK:usfuture"),
    (2106, "HMDS data farm connection is OK:ushmds"),
    (2158, "Sec-def data farm connection is OK:secdefil"),
)
