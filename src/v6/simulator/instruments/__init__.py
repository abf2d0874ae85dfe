"""What can be traded in the simulated world: pure functions of the day."""
