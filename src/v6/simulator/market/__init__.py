"""Prices, hours and everything computed from them: pure functions of (seed, instant)."""
