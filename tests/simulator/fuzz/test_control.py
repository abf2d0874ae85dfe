"""Lines on the control port that no program should send: each gets an answer, and the simulator goes on."""

import json
import socket

import pytest
from fuzz_support import few, many
from hypothesis import given
from hypothesis import strategies as st
from raw_tws_client import TUESDAY

from v6.simulator.control.commands import COMMANDS
from v6.simulator.testing import simulated_tws

pytestmark = pytest.mark.integration

TEXTS = st.sampled_from([
    "", "SPY", "bad_morning", "../x", "2026-11-24 10:35", "restart", "drop", "unknown", "*", "BUY", "DU9000001", "ES",
    "9" * 400, "nan",
])  # fmt: skip
NUMBERS = st.one_of(st.integers(), st.floats(), st.sampled_from([1e308, -1, 0, 10**30]))
VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), NUMBERS, TEXTS, st.text(max_size=8)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=6), inner, max_size=3)),
    max_leaves=6,
)
KEYS = st.sampled_from([
    "do", "client", "kind", "at", "step", "skew", "scenario", "now", "faster", "rate", "seconds", "refused_seconds",
    "mute_seconds", "farm_seconds", "needs_login", "lose_in_flight", "lost_seconds", "repeat_seconds", "data_lost",
    "symbol", "account", "quantity", "price", "order", "action", "refuse", "silent", "no_subscription", "spoiling", "",
])  # fmt: skip
OBJECTS = st.builds(
    lambda command, rest: json.dumps({**rest, "do": command}).encode(),
    st.one_of(st.sampled_from(sorted(COMMANDS)), VALUES),
    st.dictionaries(st.one_of(KEYS, st.text(max_size=5)), VALUES, max_size=4),
)
LINES = st.lists(
    st.one_of(OBJECTS, OBJECTS, VALUES.map(lambda value: json.dumps(value).encode()), st.binary(max_size=60)),
    min_size=1,
    max_size=5,
)


@pytest.fixture(scope="module")
def port():
    with simulated_tws(fast=True, start_at=TUESDAY, control_port=0) as tws:
        yield tws.server.control_port
        assert tws.stats.internal_errors == 0, tws.server.defects[-1]


def check(port, lines):
    with socket.create_connection(("127.0.0.1", port), timeout=20) as opened, opened.makefile("rb") as answers:
        for line in lines:
            opened.sendall(line.replace(b"\n", b" ").replace(b"\r", b" ") + b"\n")
        opened.sendall(b'{"do":"clear"}\n{"do":"stats"}\n')
        heard = [json.loads(answers.readline()) for line in lines if line.strip()]
        assert all(isinstance(answer["ok"], bool) and (answer["ok"] or answer["error"]) for answer in heard)
        assert json.loads(answers.readline())["ok"]
        stats = json.loads(answers.readline())
    assert stats["ok"]
    assert stats["stats"]["internal_errors"] == 0, [answer for answer in heard if "internal" in str(answer)]


@few(200)
@given(LINES)
def test_lines_no_program_should_send_are_answered(port, lines):
    check(port, lines)


@pytest.mark.soak
@pytest.mark.timeout(3600)
@many(5000)
@given(LINES)
def test_many_lines_no_program_should_send_are_answered(port, lines):
    check(port, lines)


def test_a_line_without_end_is_shown_the_door(port):
    with socket.create_connection(("127.0.0.1", port), timeout=20) as opened, opened.makefile("rb") as answers:
        opened.sendall(b"[" * (1 << 17))
        assert not json.loads(answers.readline())["ok"]
    check(port, [b"[" * 20_000])
