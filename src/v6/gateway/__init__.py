"""The only part that speaks to TWS: `from v6.gateway.client import connect`."""
