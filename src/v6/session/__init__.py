"""The market session: one connection for the day, the collectors' cycles on it, and what keeps it honest."""
