"""A recording proxy for a test, writing into the test's folder."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # its support files, whatever the import mode

from recording_proxy import proxied


@pytest.fixture
def proxy(tmp_path):
    """Starts proxies that write recording.jsonl in the test's folder."""
    opened = []

    def start(upstream, **options):
        opened.append(proxied(upstream, tmp_path / "recording.jsonl", **options))
        return opened[-1].__enter__()

    yield start
    for each in reversed(opened):
        each.__exit__(None, None, None)


@pytest.fixture
def recording(tmp_path):
    return tmp_path / "recording.jsonl"
