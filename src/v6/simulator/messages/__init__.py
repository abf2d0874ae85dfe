"""Builders of every message the simulator sends, a module a subject; `version` gates fields as TWS 157..178 does.

A builder gives one complete frame and computes nothing. Layouts: the decoders of the clients, docs/simulator.md names
them.
"""
