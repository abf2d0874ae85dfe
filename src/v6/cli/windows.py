"""`v6 schedule render --for windows`: its host from the options, its files into a folder or onto the screen."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

from v6 import clock
from v6.cli import output
from v6.model import FatalError
from v6.paths import Paths
from v6.scheduler import windows_task
from v6.scheduler.windows_host import WindowsHost, WindowsHostError

if TYPE_CHECKING:
    from v6.config.load import Config


def host(
    config: "Config",
    paths: Paths,
    zone: str,
    *,
    distro: str | None,
    root: str | None,
    folder: str,
    tws: str,
    user: str | None,
) -> WindowsHost:
    """What is not said is this WSL itself. Raises FatalError, naming the option."""
    settings = config.settings
    here = str(paths.root)
    try:
        return WindowsHost(
            zone=zone,
            distro=distro or os.environ.get("WSL_DISTRO_NAME") or "Debian",
            root=root or here,
            home=str(paths.home) if paths.home != paths.root else root or here,
            folder=folder,
            tws=tws,
            user=user or "",
            port=settings.ibkr.port,
            heap=settings.tws.java_heap,
            startup_seconds=int(settings.tws.startup_seconds),
        )
    except WindowsHostError as error:
        raise FatalError(str(error)) from error


def render(config: "Config", host: WindowsHost, out: Path | None) -> None:
    """Raises FatalError when the schedule has nothing for Windows."""
    try:
        files = windows_task.render(config.scheduler, host, clock.now().date())
    except WindowsHostError as error:
        raise FatalError(str(error)) from error
    if out is None:
        for name, content in files.items():
            output.say(f"----- {name}\n{_shown(content)}")
        return
    out.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (out / name).write_bytes(content)
        output.say(str(out / name))


def _shown(content: bytes) -> str:
    return content.decode("utf-16" if content.startswith(b"\xff\xfe") else "ascii").replace("\r\n", "\n")
