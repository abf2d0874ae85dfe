"""Recorded quotes in the place of synthetic ones."""
