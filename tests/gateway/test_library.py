"""The library is chosen, imported anywhere, and proved before anything depends on it (L34)."""

import asyncio
import subprocess
import sys
import threading
from dataclasses import replace

import pytest

from v6.gateway import installation, library
from v6.gateway.errors import LibraryUnusable
from v6.gateway.installation import Installation, Name

pytestmark = [pytest.mark.both_libraries, pytest.mark.core]


def test_auto_takes_the_installed_one_and_says_which() -> None:
    used = library.load("auto")
    assert {used.name: used.version} == installation.look().libraries
    assert used.version[0].isdigit()


def test_a_library_that_is_not_installed_is_refused_by_name() -> None:
    present: Name = library.load("auto").name  # type: ignore[assignment]
    absent = "ib_async" if present == "ib_insync" else "ib_insync"
    with pytest.raises(
        LibraryUnusable, match=f"ibkr.library: {absent}: it is not installed; installed: {present}.*LIBRARY={absent}"
    ):
        library.load(absent)


def test_no_library_at_all_is_refused_with_the_command_that_installs_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(installation, "look", lambda: Installation({}, (), ()))
    with pytest.raises(LibraryUnusable, match=r"neither ib_insync nor ib_async is installed: make .*(make|dev/)"):
        library.load("auto")


def test_a_spoilt_environment_is_refused_before_anything_is_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    spoilt = Installation({"ib_insync": "0.9.86"}, ("eventkit and aeventkit are both installed",), ())
    monkeypatch.setattr(installation, "look", lambda: spoilt)
    with pytest.raises(LibraryUnusable, match="eventkit and aeventkit are both installed: make the environment anew"):
        library.load("auto")


def test_a_release_that_lacks_something_is_refused_with_what_it_lacks() -> None:
    used = library.load("auto")

    class Poorer:
        connectAsync = used.client.connectAsync  # noqa: N815

    with pytest.raises(LibraryUnusable, match=r"lacks .*Client\.reqMktData"):
        library.prove(replace(used, client=Poorer))


def test_it_loads_in_a_thread_without_a_loop_and_after_asyncio_run() -> None:
    async def nothing() -> None:
        pass

    loaded: list[str] = []

    def load() -> None:
        asyncio.run(nothing())
        loaded.append(library.load("auto").name)

    thread = threading.Thread(target=load)
    thread.start()
    thread.join()
    assert loaded == list(installation.look().libraries)


NUMPY_WHEN_USED = """
import sys
from v6.gateway import library
library.load("auto")
print("numpy" in sys.modules)
from eventkit.ops import array
print(array.np.asarray([1, 2]).sum(), "numpy" in sys.modules)
"""
MEANWHILE = """
import sys
from v6.gateway import late_numpy
with late_numpy.only_when_used():
    import numpy
    import numpy.linalg
    from numpy import sqrt
    print(numpy.linalg.norm([3, 4]), sqrt(4), sys.modules["numpy"].__file__ == numpy.__file__)
"""


@pytest.mark.parametrize(
    ("program", "said"),
    [(NUMPY_WHEN_USED, ["False", "3 True"]), (MEANWHILE, ["5.0 2.0 True"])],
    ids=["after it", "meanwhile"],
)
def test_a_library_does_without_numpy_until_somebody_uses_it(program: str, said: list[str]) -> None:
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.splitlines()) == (0, said), done.stderr
