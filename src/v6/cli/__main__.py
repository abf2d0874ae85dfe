"""`python -m v6.cli`: the `v6` command without its script."""

from v6.cli import app

if __name__ == "__main__":
    app()
