"""Recordings of a real (paper) TWS: a proxy that writes them without secrets, and a comparison with our answers."""
