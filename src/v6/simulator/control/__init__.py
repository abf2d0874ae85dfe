"""The control port: orders to a running simulator."""
