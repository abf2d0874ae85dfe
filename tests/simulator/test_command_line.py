"""Every option can be set from the command line and from Python, and is written down."""

import re
from dataclasses import fields
from datetime import datetime
from pathlib import Path

import pytest
from raw_tws_client import TUESDAY

from v6.simulator.__main__ import options, parser
from v6.simulator.command_line import FLAGS
from v6.simulator.faults.model import Faults
from v6.simulator.options import KINDS, MANIFOLD, Options, named
from v6.simulator.testing import simulated_tws

NAMES = [each.name for each in fields(Options)]
OTHERS = {  # a value that is not the default's, for each that a rule below does not make
    "host": "localhost", "accounts": "DU9000002,DF9000003", "no_shorting": "GME,BRK B", "rate": "queue",
    "start_at": "2026-11-24 10:35",
}  # fmt: skip


def chosen(*words):
    return options(parser().parse_args(list(words)))


def other(name):
    """A text for that option, and what it becomes."""
    default = getattr(Options(), name)
    if name in OTHERS:
        return OTHERS[name]
    if isinstance(default, bool):
        return str(not default).lower()
    if isinstance(default, int | float):
        return str(default + 1)
    return "0.5,0.75" if isinstance(default, tuple) else "17"


@pytest.mark.parametrize("name", [name for name in NAMES if name not in MANIFOLD])
def test_every_option_is_reachable_by_name(name):
    usual, set_to = getattr(chosen(), name), getattr(chosen("--set", f"{name}={other(name)}"), name)
    assert set_to != usual
    assert type(set_to) is type(usual) or usual is None


def test_what_is_set_by_name_has_its_type():
    words = ("lines=7", "greeks_seconds=0.1,0.2", "margins=false", "no_shorting=GME,BRK B", "state=x",
             "master_client=none", "start_at=2026-11-24 10:35")  # fmt: skip
    found = chosen(*(word for each in words for word in ("--set", each)))
    assert (found.lines, found.greeks_seconds, found.margins) == (7, (0.1, 0.2), False)
    assert (found.no_shorting, found.state, found.master_client) == (frozenset({"GME", "BRK B"}), Path("x"), None)
    assert found.start_at == TUESDAY


def test_the_two_that_are_no_single_values_have_flags_of_their_own():
    assert set(NAMES) - set(KINDS) == set(MANIFOLD) == {"models", "faults"}
    text = parser().format_help()
    assert "--models" in text
    assert "--scenario" in text


def test_every_flag_s_option_exists_and_every_option_is_explained():
    for flag in FLAGS:
        assert {flag.option, *flag.sets} - {""} <= set(KINDS)
    for name in NAMES:
        assert re.search(rf"\b{name}\b", Options.__doc__), f"{name}: not in the docstring of Options"


def test_what_is_said_counts_whatever_fast_says():
    found = chosen("--fast", "--lines", "20", "--set", "historical_pacing=true", "--no-greeks-share", "0.5")
    assert (found.lines, found.historical_pacing, found.faults.no_greeks_share) == (20, True, 0.5)
    assert (found.messages_a_second, found.latency, found.wide_details_seconds) == (0, False, 0.0)
    assert found.refresh_seconds < Options().refresh_seconds


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        ({"lines": -5}, "lines -5: allowed a whole number from 0"),
        ({"lines": True}, "lines True: allowed"),
        ({"occupied_seconds": -1}, "occupied_seconds -1: allowed a number from 0"),
        ({"refresh_seconds": 0}, "refresh_seconds 0: allowed a number above 0"),
        ({"speed": float("nan")}, "speed nan: allowed a number above 0"),
        ({"snapshot_seconds": float("inf")}, "snapshot_seconds inf: allowed"),
        ({"master_client": -3}, "master_client -3: allowed"),
        ({"accounts": ("DU9000001", "DU9000001")}, "allowed each once"),
        ({"accounts": ()}, "allowed each once"),
        ({"accounts": 9}, "accounts 9: allowed"),
        ({"no_shorting": "not a symbol"}, "allowed symbols in capitals"),
        ({"rate": "drop"}, "rate drop: allowed reject or queue"),
        ({"port": 70000}, "port 70000: allowed 0 to 65535"),
        ({"submit_seconds": (0.3, 0.1)}, "allowed two numbers from 0, the smaller first"),
        ({"start_at": "tomorrow"}, "start_at tomorrow: allowed a New York time"),
        ({"faults": Faults(no_greeks_share=7)}, "faults.no_greeks_share 7: allowed a share from 0 to 1"),
    ],
)
def test_python_is_told_name_value_and_what_is_allowed(given, complaint):
    with pytest.raises(ValueError, match=re.escape(complaint)):
        Options(**given)


def test_texts_become_what_is_meant():
    found = Options(event_log="a", state="b", scenario="c", accounts="DU9000002", no_shorting="GME")
    assert (found.event_log, found.state, found.scenario) == (Path("a"), Path("b"), Path("c"))
    assert (found.accounts, found.no_shorting) == (("DU9000002",), frozenset({"GME"}))


@pytest.mark.integration
def test_the_event_log_of_a_test_may_be_a_text(tmp_path):
    with simulated_tws(fast=True, event_log=str(tmp_path / "log")) as tws:
        tws.drop_all()
    assert (tmp_path / "log").exists()


def test_an_unknown_option_of_a_test_is_refused_with_the_closest():
    with pytest.raises(TypeError, match=r"no option 'fats'; the closest: .*fast"), simulated_tws(fats=True):
        pass
    with pytest.raises(TypeError, match=r"no option 'xyzzy'; allowed: fast, host, port, .*summary_ids_stay"):
        named({"xyzzy": 1})


def test_a_time_without_a_zone_is_new_york_s():
    assert chosen("--at", "2026-11-24 10:35").start_at == TUESDAY
    assert chosen("--at", "2026-11-24 16:35+01:00").start_at == datetime.fromisoformat("2026-11-24 16:35+01:00")
