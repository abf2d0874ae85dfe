"""What this host's cron has of V6: what is there, what should be there, and how they differ."""

import os
import pwd
import re
from pathlib import Path
from typing import NamedTuple

from v6.config.load import Config
from v6.cron import kept_out, probe
from v6.cron.acceptance import users_of
from v6.cron.daemon_zone import DaemonZoneError, zone
from v6.cron.programs import ask
from v6.cron.roots import HOST, Roots
from v6.paths import Paths
from v6.scheduler import crontab, crontab_mark, host

OLDER = re.compile(r"^[^#\n].*\bcron_wrapper\.sh", re.MULTILINE)
"""A line of V6, or of what came before it, outside of a marked installation."""
ENTRY = re.compile(r'(?P<when>@\S+|(?:\S+ ){4}\S+) .*cron_wrapper\.sh"? (?P<asked>.*)')
SECONDS = 20
VARIABLE = re.compile(r'^(V6_ROOT|V6_HOME)="([^"\n]*)"$', re.MULTILINE)


class Installed(NamedTuple):
    """A file of /etc/cron.d, or a user's crontab, that is V6's by its mark. `text`: the marked part only."""

    path: Path
    text: str
    intact: bool
    """As the installer wrote it: nobody has edited it."""
    root: str
    home: str
    user: str
    """Who runs the lines."""
    disabled: tuple[str, ...]
    """Tasks of which a person has commented out lines."""
    probing: bool
    """An installer is, or was ended, at proving that it fires."""
    system: bool

    @property
    def body(self) -> str:
        """Without the line of a proof, which would pass for one of the last task's."""
        marked = crontab_mark.find(self.text)
        assert marked is not None
        return probe.without_probe(marked.body)


def installed(system: bool, roots: Roots = HOST, user: str | None = None) -> Installed | None:
    """Ours, in /etc/cron.d or in the crontab of `user` (default: who asks); None when there is none of ours.
    Raises OSError when it cannot be read."""
    user = user or pwd.getpwuid(os.geteuid()).pw_name
    path = roots.system_file if system else roots.crontab_of(user)
    text = _read(path) if system else crontab_text(user, roots)
    marked = crontab_mark.find(text)
    if marked is None:
        return None
    places: dict[str, str] = dict(VARIABLE.findall(marked.body))
    users: list[str] = sorted(users_of(marked.body)) if system else [user]
    root = places.get("V6_ROOT", "")
    return Installed(
        path,
        marked.block,
        marked.intact,
        root,
        places.get("V6_HOME", root),
        users[0] if users else "",
        kept_out.disabled(marked.body),
        probe.is_in(marked.body),
        system,
    )


def crontab_text(user: str, roots: Roots = HOST) -> str:
    """A user's whole crontab, '' without one: as `crontab -l` shows it, under other roots from its file."""
    if roots.spool != HOST.spool:
        return _read(roots.crontab_of(user))
    own = pwd.getpwuid(os.geteuid()).pw_name == user
    try:
        done = ask("crontab", "-l", *([] if own else ["-u", user]), seconds=SECONDS, errors="surrogateescape")
    except FileNotFoundError:
        return ""  # no cron, no crontab
    if done.returncode and "no crontab" not in done.stderr:
        raise OSError(f"crontab -l: {done.stderr.strip()}")
    return done.stdout if done.returncode == 0 else ""


def wanted(
    config: Config,
    paths: Paths,
    zone_name: str,
    user: str | None,
    before: Installed | None = None,
    roots: Roots = HOST,
) -> str:
    """The marked text that should be there, for a cron daemon whose zone is `zone_name`. `user`: for /etc/cron.d, who
    runs the lines; None for a user's own crontab. What is commented out in `before` stays so. Raises CrontabError."""
    try:
        here = host.host_zone(roots.etc)
    except host.HostZoneError:
        here = zone_name
    text = crontab.render(
        config.scheduler,
        here,
        paths.root,
        home=paths.home,
        user=user,
        cron_zone=zone_name,
        reboot_line=config.settings.install.reboot_line,
    )
    marked = crontab_mark.find(text)
    assert marked is not None
    return text if before is None else crontab_mark.sealed(kept_out.kept_out(marked.body, before.body))


def drift(config: Config, paths: Paths, roots: Roots = HOST) -> str:
    """How what is installed differs from what should be, '' when it does not. Looks at /etc/cron.d first."""
    try:
        found = installed(True, roots) or installed(False, roots)
        zone_name = zone(roots=roots).name
    except (OSError, DaemonZoneError) as error:
        return f"cannot be told: {error}"
    if found is None:
        return "nothing is installed: run ./install_scheduler.sh"
    if found.root != str(paths.root) or found.home != str(paths.home):
        return f"{found.path} is another installation's: of {found.root}, state in {found.home}"
    return difference(found, wanted(config, paths, zone_name, found.user if found.system else None, found, roots))


def difference(found: Installed, text: str) -> str:
    """In words, '' where cron is told the same. Comments are for people, lines that are commented out too."""
    if _entries(found.text) == _entries(text):
        return ""
    if found.probing:
        return f"{found.path} still has the line of a proof: an installer is at work, or was ended; run it again"
    who = "differs from what the configuration makes" if found.intact else "was edited by hand"
    cure = "sudo ./install_scheduler.sh" if found.system else "./install_scheduler.sh --user"
    return f"{found.path} {who}: {_first_difference(found.text, text)}. To put it right: {cure}"


def _first_difference(there: str, should: str) -> str:
    ours, theirs = (_entries(text) for text in (should, there))
    missing = [line for line in ours if line not in theirs]
    extra = [line for line in theirs if line not in ours]
    counts = f"{len(missing)} lines missing, {len(extra)} too many"
    first = (missing or extra or ["their order"])[0]
    return f"{counts}; first: {_in_short(first)}"


def _in_short(line: str) -> str:
    """When, and what the gate is asked for; between them every line says the same."""
    entry = ENTRY.fullmatch(line)
    return f"'{entry['when']} ... {entry['asked']}'" if entry else f"'{line}'"


def _entries(text: str) -> list[str]:
    return [line for line in text.splitlines() if line and not line.startswith("#")]


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="surrogateescape")
    except FileNotFoundError:
        return ""
