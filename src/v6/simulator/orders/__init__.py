"""Orders as clients instruct them, and what became of them, as values."""
