"""YAML that two readers could read differently is refused by name."""

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from v6.config.errors import ConfigError
from v6.config.yaml_file import parse, parse_list


def refusal(text: str) -> str:
    with pytest.raises(ConfigError) as error:
        parse(text, "production.yaml")
    return str(error.value)


def test_plain_values_are_read() -> None:
    text = 'a: {b: 1, c: -2.5, d: true, e: null, f: word, g: "16:05"}\nlist: [1, two]\n'
    read = parse(text, "x")
    assert read == {"a": {"b": 1, "c": -2.5, "d": True, "e": None, "f": "word", "g": "16:05"}, "list": (1, "two")}


def test_an_empty_file_is_an_empty_configuration() -> None:
    assert parse("# nothing yet\n", "x") == {}
    assert parse_list("", "x") == ()


def test_an_unquoted_time_is_refused_with_the_hint_to_quote_it() -> None:
    message = refusal("scheduler:\n  tasks:\n    close:\n      time: 16:05\n")
    assert message.startswith("production.yaml: scheduler.tasks.close.time: 16:05 unquoted is a number in base 60")
    assert message.endswith('allowed: quoted, "16:05"')


@pytest.mark.parametrize(
    "word", ["no", "off", "yes", "On", "TRUE", "010", "0o17", "1_000", "0x1F", "1e3", ".5", "2026-04-03"]
)
def test_values_of_two_meanings_are_refused(word: str) -> None:
    assert f"production.yaml: key: {word} means different things" in refusal(f"key: {word}\n")


def test_a_key_given_twice_is_refused_with_its_line() -> None:
    assert refusal("a:\n  b: 1\n  b: 2\n") == "production.yaml: a.b: is given twice (again in line 3)"


def test_merge_keys_and_keys_that_are_no_words_are_refused() -> None:
    assert "a key must be a word" in refusal("base: &b {x: 1}\nuse: {<<: *b}\n")
    assert "a key must be a word" in refusal("1: x\n")


def test_broken_yaml_names_the_line() -> None:
    assert refusal("a: [1,\nb: 2\n").startswith("production.yaml: line ")


def test_a_list_where_a_mapping_belongs_is_refused() -> None:
    assert refusal("- a\n") == "production.yaml: must be a mapping (key: value)"


LEAVES = st.none() | st.booleans() | st.integers() | st.text()
TREES = st.dictionaries(
    st.from_regex(r"[a-z][a-z_]{2,8}", fullmatch=True),
    st.recursive(
        LEAVES,
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.from_regex(r"[a-z][a-z_]{2,8}", fullmatch=True), inner, max_size=3)
        ),
        max_leaves=8,
    ),
    max_size=4,
)


@given(TREES)
def test_what_it_accepts_it_reads_like_pyyaml(tree: dict[str, object]) -> None:
    text = yaml.safe_dump(tree, allow_unicode=True)
    try:
        read = parse(text, "x")
    except ConfigError:
        return
    assert listed(read) == yaml.safe_load(text)


def listed(value: object) -> object:
    if isinstance(value, tuple):
        return [listed(item) for item in value]
    return {key: listed(item) for key, item in value.items()} if isinstance(value, dict) else value
