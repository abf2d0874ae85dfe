"""What is done after TWS restarted: reach it, prove that everything works, restore, compare, conclude."""
