"""Statistics of slots and days: loading, computing, storing; the formulas are in `v6.analysis`."""
