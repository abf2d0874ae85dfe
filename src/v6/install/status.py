"""What is installed, and whether it is what should be. Changes nothing."""

import os
from collections.abc import Callable, Iterator
from contextlib import suppress

from v6.config.load import load
from v6.cron import acceptance, daemon_zone, flavour
from v6.cron.installed import Installed, difference, installed, wanted
from v6.cron.roots import Roots
from v6.install import account, old, proof
from v6.install.target import Target
from v6.paths import Paths
from v6.runner.ownership import user_name

Say = Callable[[str], None]


def status(paths: Paths, roots: Roots, target: Target, say: Say) -> int:
    """0 installed and in step, 1 not."""
    cron = flavour.find(roots)
    say(f"cron:      {cron}")
    found, foreign = target.found(), target.foreign()
    if foreign:
        say(f"in the way: {foreign}")
    if found is None:
        say(f"installed: nothing of V6 in {target.where}")
        for user in _with_a_crontab_of_ours(paths, roots) if target.system else ():
            say(f"but:       V6 is in the crontab of {user}: {_ask_as(user)}./install_scheduler.sh --status --user")
        return 1
    zone = daemon_zone.zone(cron, roots)
    say(f"zone:      {zone.name} ({zone.why})")
    say(f"installed: {target.where}, of {found.root}, runs as {found.user}")
    if found.disabled:
        say(f"disabled:  by hand, in the file: {', '.join(found.disabled)}")
    say(f"proven:    {proof.when(target.kept, found.text) or 'not yet'}")
    if (found.root, found.home) != (str(paths.root), str(paths.home)):
        say(f"in step:   no: of another installation ({_place(found)}): ask its own install_scheduler.sh --status")
        return 1
    config = load(paths, {})
    drift = difference(found, wanted(config, paths, zone.name, found.user if target.system else None, found, roots))
    refused = acceptance.refusals(found.text, cron, target.system, roots)
    say(f"in step:   {'; '.join([drift, *refused]).strip('; ') or 'yes'}")
    for one in old.find(roots, found.user or account.find("root").name, system=target.system, flavour=cron.name):
        say(f"older:     {one.words}")
    return 1 if drift or refused or foreign else 0


def _place(found: Installed) -> str:
    return found.root if found.home == found.root else f"{found.root}, state in {found.home}"


def _with_a_crontab_of_ours(paths: Paths, roots: Roots) -> Iterator[str]:
    """Whoever asks, and whose the checkout is: those who may have installed with --user."""
    for user in dict.fromkeys(user_name(uid) for uid in (os.geteuid(), paths.root.stat().st_uid)):
        with suppress(OSError, KeyError):  # another's can be read by root only
            if installed(False, roots, user) is not None:
                yield user


def _ask_as(user: str) -> str:
    return "" if user == user_name(os.geteuid()) else f"sudo -u {user} "
