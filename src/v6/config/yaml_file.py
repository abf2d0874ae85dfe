"""YAML read so that no two readers can disagree about it.

PyYAML speaks YAML 1.1, editors that keep comments (ruamel.yaml) speak 1.2: `no`, `16:05`, `010` and `1_000` mean
different things to them. Such values, duplicate keys and merge keys are refused by name instead of being guessed.
"""

import re
from typing import NoReturn

import yaml

from v6.config.errors import ConfigError

Value = str | int | float | bool | None | tuple["Value", ...] | dict[str, "Value"]

LOADER: type[yaml.SafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # the same rules, ten times faster
DECIMAL = re.compile(r"0|-?[1-9][0-9]*")
REAL = re.compile(r"-?(0|[1-9][0-9]*)\.[0-9]+([eE][-+]?[0-9]+)?")
NULL = ("", "null", "~")
SEXAGESIMAL = re.compile(r"[-+]?[0-9]+(:[0-5]?[0-9])+(\.[0-9]*)?")
ONLY_IN_YAML_1_2 = re.compile(r"0o[0-7]+|[-+]?[0-9]+[eE][-+]?[0-9]+|[-+]?(0[0-9]+|[0-9]+_[0-9_]*)")


def parse(text: str, file: str) -> dict[str, Value]:
    """The mapping in `text`; an empty file is an empty mapping. Raises ConfigError naming `file` and the key."""
    value = _root(text, file)
    if value is None:
        return {}
    return value if isinstance(value, dict) else _refuse(file, "", "must be a mapping (key: value)")


def parse_list(text: str, file: str) -> tuple[Value, ...]:
    """Like `parse`, for a file that holds a list."""
    value = _root(text, file)
    if value is None:
        return ()
    return value if isinstance(value, tuple) else _refuse(file, "", "must be a list (lines that start with '- ')")


def _root(text: str, file: str) -> Value:
    try:
        node = yaml.compose(text, Loader=LOADER)
    except yaml.MarkedYAMLError as error:
        line = f"line {error.problem_mark.line + 1}: " if error.problem_mark else ""
        raise ConfigError(f"{file}: {line}not valid YAML: {error.problem or error.context}") from error
    except yaml.YAMLError as error:
        raise ConfigError(f"{file}: not valid YAML: {' '.join(str(error).split())}") from error
    return None if node is None else _value(node, file, "")


def _value(node: yaml.Node, file: str, path: str) -> Value:
    if isinstance(node, yaml.MappingNode):
        return _mapping(node, file, path)
    if isinstance(node, yaml.SequenceNode):
        return tuple(_value(item, file, f"{path}[{index}]") for index, item in enumerate(node.value))
    if isinstance(node, yaml.ScalarNode):
        return _scalar(node, file, path)
    return _refuse(file, path, "is not a value")


def _mapping(node: yaml.MappingNode, file: str, path: str) -> dict[str, Value]:
    result: dict[str, Value] = {}
    for key_node, value_node in node.value:
        plain = isinstance(key_node, yaml.ScalarNode) and key_node.value != "<<"
        key = _scalar(key_node, file, path) if plain else None
        if not isinstance(key, str):
            return _refuse(
                file, path, f"line {key_node.start_mark.line + 1}: a key must be a word, not {key_node.value!r}"
            )
        inner = f"{path}.{key}" if path else key
        if key in result:
            return _refuse(file, inner, f"is given twice (again in line {key_node.start_mark.line + 1})")
        result[key] = _value(value_node, file, inner)
    return result


def _scalar(node: yaml.ScalarNode, file: str, path: str) -> Value:
    text: str = node.value
    tag = node.tag.rpartition(":")[2]
    if node.style:  # quoted, or a block: a string whatever it looks like
        return text
    if SEXAGESIMAL.fullmatch(text):
        return _refuse(file, path, f'{text} unquoted is a number in base 60 to YAML, allowed: quoted, "{text}"')
    if tag == "null" and text in NULL:
        return None
    if tag == "bool" and text in ("true", "false"):
        return text == "true"
    if tag == "int" and DECIMAL.fullmatch(text):
        return int(text)
    if tag == "float" and REAL.fullmatch(text):
        return float(text)
    if tag == "str" and not ONLY_IN_YAML_1_2.fullmatch(text):
        return text
    return _refuse(
        file,
        path,
        f"{text} means different things to different YAML readers, allowed: true, false, plain decimal "
        f'numbers, or quoted text, "{text}"',
    )


def _refuse(file: str, path: str, problem: str) -> NoReturn:
    raise ConfigError(f"{file}: {path}: {problem}" if path else f"{file}: {problem}")
