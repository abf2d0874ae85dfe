"""What outlives a restart: the trading state and the reports, as values, as files and as text."""
