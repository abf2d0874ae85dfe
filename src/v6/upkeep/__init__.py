"""Closing a day, retention, rotation, backups."""
