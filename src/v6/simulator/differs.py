"""Where real TWS may answer otherwise, by request: the event log says it beside each such request."""

DIFFERS = {
    "reqHistoricalData": "bars are sampled from the simulated market; real ones are filtered and may be revised",
    "reqContractDetails": "how long TWS throttles a wide request is not known",
    "reqMktData": "real first ticks may come seconds later, or never for some fields",
    "reqAccountSummary": "real TWS knows some hundred tags",
    "reqAccountUpdates": "real TWS sends some hundred values a currency",
    "placeOrder": "fills, margins and rejections follow a model, not an exchange",
    "reqScannerSubscription": "the ranking follows the simulated market",
}
