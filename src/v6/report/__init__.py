"""One self-contained HTML page of a trade date."""
