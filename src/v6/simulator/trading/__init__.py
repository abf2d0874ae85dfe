"""Orders at work: from the client's message through IB's checks to fills, cancels and what clients are told of it.

desk (what clients ask) -> rules (what TWS and IB refuse) -> floor (what the market does to orders) -> matching, groups
(pure) -> reports (who is told what). engine holds them together; ticket is one order of ours.
"""
