"""How the simulated TWS misbehaves, and when."""
