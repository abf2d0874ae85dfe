"""What the accounts hold and are worth."""
