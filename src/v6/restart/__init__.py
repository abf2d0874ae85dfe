"""Around the restarts of TWS: when they are, what is saved before, proven and restored after."""
