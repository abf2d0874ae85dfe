"""What install_scheduler.sh does: `python -m v6.install`."""
