"""Proof that the lake is what was written: findings, never repairs."""
