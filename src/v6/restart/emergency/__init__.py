"""Ending our runs at once, whatever state they are in: `at_work` looks, `identity` says whose a process is, `ending`
ends, `flow` does it in its order, `audit` keeps the trail."""
