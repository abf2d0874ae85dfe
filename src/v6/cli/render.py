"""`v6 schedule render`: the crontab of a host, or the definitions for Windows' Task Scheduler."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from v6.model import FatalError
from v6.paths import Paths

if TYPE_CHECKING:
    from v6.config.load import Config


class For(StrEnum):
    """What starts the jobs."""

    CRON = "cron"
    WINDOWS = "windows"


def render(
    zone: Annotated[str | None, typer.Option(help="Zone of the host's cron daemon; default: this host's.")] = None,
    user: Annotated[
        str | None, typer.Option(help="For /etc/cron.d: the user that runs the lines. For Windows: the user in WSL.")
    ] = None,
    for_: Annotated[For, typer.Option("--for", help="cron; windows: TWS on Windows, V6 in its WSL.")] = For.CRON,
    out: Annotated[Path | None, typer.Option(help="windows: the folder to write the files into.")] = None,
    distro: Annotated[str | None, typer.Option(help="windows: the distribution of WSL; default: this one.")] = None,
    linux_path: Annotated[str | None, typer.Option(help="windows: V6's folder in WSL; default: this one.")] = None,
    windows_folder: Annotated[str, typer.Option(help="windows: where the files will lie there.")] = r"C:\V6",
    tws: Annotated[str, typer.Option(help="windows: the program that starts TWS.")] = r"C:\Jts\tws.exe",
) -> None:
    """Print the crontab of a host: all its zone can need, the gate picks the real slots.

    --for windows: Task Scheduler definitions and a batch file for the restarts of a TWS that lives on Windows.
    """
    from v6.config.load import load
    from v6.config.scheduler_config import require_zone
    from v6.scheduler import crontab_grammar

    paths = Paths.locate()
    config = load(paths)
    if config.settings.ibkr.simulator:
        raise FatalError(f"{paths.home} is a rehearsal's home (ibkr.simulator): unset V6_HOME or name the real one")
    try:
        if zone is not None:
            require_zone(zone)
    except ValueError as error:
        raise typer.BadParameter(f"--zone: {error}") from error
    zone = zone or host_zone()
    if for_ is For.WINDOWS:
        from v6.cli import windows

        host = windows.host(
            config, paths, zone, distro=distro, root=linux_path, folder=windows_folder, tws=tws, user=user
        )
        windows.render(config, host, out)
        return
    try:
        typer.echo(_crontab(config, paths, zone, user), nl=False)
    except ValueError as error:
        raise typer.BadParameter(f"--zone: {error}") from error
    except crontab_grammar.CrontabError as error:
        raise FatalError(str(error)) from error


def _crontab(config: "Config", paths: Paths, zone: str, user: str | None) -> str:
    from v6.scheduler import crontab

    reboot_line = config.settings.install.reboot_line
    text = crontab.render(config.scheduler, zone, paths.root, home=paths.home, user=user, reboot_line=reboot_line)
    # the lines write there before the gate could make it
    (paths.home / config.scheduler.log_directory / "cron").mkdir(parents=True, exist_ok=True)
    return text


def host_zone() -> str:
    """Of this host's clock. Raises FatalError."""
    from v6.scheduler import host

    try:
        return host.host_zone()
    except host.HostZoneError as error:
        raise FatalError(str(error)) from error
