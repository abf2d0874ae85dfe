"""The control port: commands to a running simulator."""
