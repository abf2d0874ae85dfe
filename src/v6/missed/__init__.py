"""Slots that were due and never fired: found, explained, recorded, and made up where that is right."""
