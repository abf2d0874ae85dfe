"""Telling people. Sending never fails a run: the dispatcher is a process of its own."""
