"""What validate_ib_connection and health_check look at. A check returns one finding with its evidence."""
