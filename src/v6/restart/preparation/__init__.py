"""What is done before TWS restarts: `flow` in its order, each step in a module of its own."""
