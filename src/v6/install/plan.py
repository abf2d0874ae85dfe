"""What an installation on this host would be, with everything checked. Changes nothing."""

import difflib
import grp
import os
import shlex
from dataclasses import dataclass
from pathlib import Path

from v6.config.errors import ConfigError
from v6.config.load import Config, load
from v6.cron import acceptance, daemon_zone, flavour, kept_out
from v6.cron.daemon_zone import DaemonZone, DaemonZoneError
from v6.cron.flavour import Flavour
from v6.cron.installed import Installed, installed, wanted
from v6.cron.roots import Roots
from v6.install import account, files, logrotate, modes, old, readiness
from v6.install.account import Account
from v6.install.modes import Change
from v6.install.old import Old
from v6.install.refused import RefusedError
from v6.install.target import OwnCrontab, SystemFile, Target
from v6.paths import Paths
from v6.scheduler.crontab_grammar import CrontabError

NO_CRON = "no cron that V6 could use ({why}): apt-get install cron, or cronie"
HOST_HAS_IT = (
    "{file} is there for the whole host{whose}; a schedule of your own beside it would ask TWS for the same slots. "
    "Root ends that one: sudo {program} --uninstall; then this again. Without root: --status looks "
    "at it, and a job by hand needs no cron: FORCE_RUN=true scripts/cron_wrapper.sh scripts/JOB.py"
)
V6_CONFIG = (
    "V6_CONFIG is set ({given}), and cron's runs would not see it: put what it says into {file}, then unset V6_CONFIG"
)


@dataclass(frozen=True, slots=True)
class Options:
    system: bool
    create_user: bool
    take_over: bool


@dataclass(frozen=True, slots=True)
class Plan:
    paths: Paths
    roots: Roots
    config: Config
    flavour: Flavour
    zone: DaemonZone
    account: Account
    target: Target
    before: Installed | None
    text: str
    """The marked text to be installed."""
    foreign: str
    """What stands at the target's place and is not ours, in words."""
    older: list[Old]
    changes: list[Change]
    logrotate: str | None
    """The text of its file; None: none is wanted."""

    @property
    def line_user(self) -> str | None:
        return self.account.name if self.target.system else None

    @property
    def in_the_way(self) -> list[str]:
        return [words for words in (self.foreign, *(one.words for one in self.older if one.in_the_way)) if words]

    @property
    def not_kept(self) -> list[str]:
        return [] if self.before is None else kept_out.not_kept(self.text, self.before.body)

    @property
    def disabled(self) -> tuple[str, ...]:
        return kept_out.disabled(self.text)

    def refusals_of(self, text: str) -> list[str]:
        return refusals(text, self.flavour, self.target, self.roots, self.account)

    def logrotate_is_put(self) -> bool:
        return self.logrotate is None or files.as_put(logrotate.file(self.roots), self.logrotate)

    def diff(self) -> str:
        there = "" if self.before is None else self.before.text
        if self.before is None and self.foreign:
            there = self.target.current()
        lines = difflib.unified_diff(
            there.splitlines(keepends=True),
            self.text.splitlines(keepends=True),
            f"{self.target.where}, as it is",
            f"{self.target.where}, as it would be",
        )
        return "".join(lines)


def target_of(paths: Paths, roots: Roots, options: Options, name: str) -> Target:
    if options.system:
        return SystemFile(roots)
    return OwnCrontab(roots, name, paths.var / "install")


def make(paths: Paths, roots: Roots, options: Options) -> Plan:
    """Raises RefusedError with everything that is wrong."""
    config = _configuration(paths)
    who = account.chosen(config, paths, system=options.system, create=options.create_user)
    cron = flavour.find(roots)
    if cron.name == "none":
        raise RefusedError(NO_CRON.format(why=cron.why))
    if options.system and not roots.cron_d.is_dir():
        raise RefusedError(f"{roots.cron_d} does not exist, so {cron.name}'s cron is not whole: install it anew")
    try:
        zone = daemon_zone.zone(cron, roots)
    except DaemonZoneError as error:
        raise RefusedError(f"the zone of cron's daemon: {error}") from error
    if wrong := readiness.problems(config, paths, who):
        raise RefusedError(*wrong)
    if not options.system and roots.system_file.exists():
        raise RefusedError(_host_has_it(roots, paths))
    target = target_of(paths, roots, options, who.name)
    before = target.found()
    foreign = target.foreign()
    if before is not None and (before.root, before.home) != (str(paths.root), str(paths.home)):
        foreign = foreign or f"{target.where} is of another installation: {before.root}, state in {before.home}"
    try:
        text = wanted(config, paths, zone.name, who.name if options.system else None, before, roots)
    except CrontabError as error:
        raise RefusedError(*error.problems) from error
    if wrong := refusals(text, cron, target, roots, who):
        raise RefusedError(*wrong)
    return Plan(
        paths,
        roots,
        config,
        cron,
        zone,
        who,
        target,
        before,
        text,
        foreign,
        old.find(roots, who.name if who.uid is not None else "root", system=options.system, flavour=cron.name),
        modes.due(config, paths, who, system=options.system, take_over=options.take_over),
        _logrotate(config, paths, who, roots) if options.system else None,
    )


def _host_has_it(roots: Roots, paths: Paths) -> str:
    """Whose the host's installation is, and what can be done about it."""
    try:
        found = installed(True, roots)
    except OSError:
        found = None
    whose = "" if found is None else f", of {found.root}, whose jobs run as {found.user}"
    program = Path(paths.root if found is None else found.root) / "install_scheduler.sh"
    return HOST_HAS_IT.format(file=roots.system_file, whose=whose, program=shlex.quote(str(program)))


def refusals(text: str, cron: Flavour, target: Target, roots: Roots, who: Account) -> list[str]:
    """By our grammar and that cron's parser: of our text, and of the whole crontab where it shares one."""
    found = acceptance.refusals(text, cron, target.system, roots)
    if who.uid is None:  # it will be created before anything is installed
        found = [line for line in found if not line.startswith(f"user {who.name} does not exist")]
    if not found and not target.system:
        found = [
            f"beside the other lines of it: {line}"
            for line in acceptance.own_parser(target.whole(text), cron, False, roots)
        ]
    return found


def _configuration(paths: Paths) -> Config:
    """As cron's runs will have it: without the environment of whoever installs."""
    if "V6_CONFIG" in os.environ:
        given, file = os.environ["V6_CONFIG"], paths.home / "config" / "production.yaml"
        raise RefusedError(V6_CONFIG.format(given=given, file=file))
    try:
        config = load(paths, {})
    except ConfigError as error:
        raise RefusedError(*error.problems) from error
    if config.settings.ibkr.simulator:
        raise RefusedError(f"{paths.home} is a rehearsal's home (ibkr.simulator): unset V6_HOME or name the real one")
    if not config.scheduler.tasks:
        raise RefusedError(f"{paths.default_config}: scheduler.tasks is empty: there is nothing to install")
    return config


def _logrotate(config: Config, paths: Paths, who: Account, roots: Roots) -> str | None:
    try:
        group = grp.getgrgid(who.gid).gr_name if who.gid is not None else who.name
    except KeyError:
        return None
    text = logrotate.wanted(config, paths, who, roots, group)
    if text is None or who.uid is None or os.geteuid() != 0:  # logrotate becomes that user: only root can ask it
        return text
    if refusal := logrotate.refusal(text):
        raise RefusedError(f"logrotate refuses its file: {refusal}")
    return text
