"""What a client's own decoder makes of a message, as plain values; also a program for another environment's Python.

    python decode.py LIBRARY

reads one JSON array `[version, [field, ...]]` a line and writes one line each: the calls of the library's wrapper as
`[[name, [argument, ...]], ...]`, or the text of what the decoder raised or logged. Needs nothing but the library.
"""

import dataclasses
import importlib
import json
import sys
from datetime import UTC, datetime


class UnreadableError(Exception):
    """A decoder could not read a message."""


class Wrapper:
    """Stands where the library's wrapper stands and remembers every call."""

    def __init__(self):
        self.calls = []
        self.ib = type("Connection", (), {"TimezoneTWS": "US/Eastern"})
        self.defaultTimezone = UTC

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return lambda *arguments: self.calls.append((name, arguments))


class Log:
    """The libraries log what they cannot read and go on."""

    def exception(self, text, *rest):
        raise UnreadableError(text) from sys.exc_info()[1]

    error = exception

    def debug(self, *rest):
        pass


def ib_library(name):
    """ib_insync and ib_async."""
    decoder_class = importlib.import_module(name + ".decoder").Decoder

    def calls(version, fields):
        wrapper = Wrapper()
        decoder = decoder_class(wrapper, version)
        decoder.logger = Log()
        decoder.interpret(list(fields))
        return wrapper.calls

    return calls


def official():
    """ibapi: its decoder looks methods up by the names of EWrapper and reads fields as bytes."""
    decoder_module = importlib.import_module("ibapi.decoder")
    names = {value for value in vars(importlib.import_module("ibapi.wrapper").EWrapper) if not value.startswith("_")}

    def calls(version, fields):
        wrapper = Wrapper()
        heard = {name: getattr(wrapper, name) for name in names}
        decoder_module.Decoder(type("Heard", (), {k: staticmethod(v) for k, v in heard.items()})(), version).interpret(
            tuple(field.encode() for field in fields)
        )
        return wrapper.calls

    return calls


def reader(library):
    return official() if library == "ibapi" else ib_library(library)


def plain(value):
    """Objects as dictionaries of their attributes, sets sorted, instants in UTC."""
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    if isinstance(value, (set, frozenset)):
        return sorted(plain(each) for each in value)
    if isinstance(value, dict):
        return {str(key): plain(each) for key, each in value.items()}
    if hasattr(value, "_asdict"):
        return {key: plain(each) for key, each in value._asdict().items()}
    if isinstance(value, (list, tuple)):
        return [plain(each) for each in value]
    if dataclasses.is_dataclass(value):
        return {each.name: plain(getattr(value, each.name)) for each in dataclasses.fields(value)}
    if hasattr(value, "__dict__"):
        return {key: plain(each) for key, each in vars(value).items()}
    return str(value)


def decoded(read, version, fields):
    """The calls, or the text of the complaint."""
    try:
        return [[name, plain(arguments)] for name, arguments in read(version, fields)]
    except Exception as error:
        return f"{type(error).__name__}: {error}"


def main():
    read = reader(sys.argv[1])
    for line in sys.stdin:
        version, fields = json.loads(line)
        print(json.dumps(decoded(read, version, fields)))


if __name__ == "__main__":
    main()
