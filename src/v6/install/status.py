"""What is installed, and whether it is what should be. Changes nothing."""

from collections.abc import Callable

from v6.config.load import load
from v6.cron import acceptance, daemon_zone, flavour
from v6.cron.installed import difference, wanted
from v6.cron.roots import Roots
from v6.install import account, old, proof
from v6.install.target import Target
from v6.paths import Paths

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
        return 1
    zone = daemon_zone.zone(cron, roots)
    say(f"zone:      {zone.name} ({zone.why})")
    say(f"installed: {target.where}, of {found.root}, runs as {found.user}")
    if found.disabled:
        say(f"disabled:  by hand, in the file: {', '.join(found.disabled)}")
    say(f"proven:    {proof.when(target.kept, found.text) or 'not yet'}")
    config = load(paths, {})
    drift = difference(found, wanted(config, paths, zone.name, found.user if target.system else None, found, roots))
    refused = acceptance.refusals(found.text, cron, target.system, roots)
    say(f"in step:   {'; '.join([drift, *refused]).strip('; ') or 'yes'}")
    for one in old.find(roots, found.user or account.find("root").name, system=target.system, flavour=cron.name):
        say(f"older:     {one.words}")
    return 1 if drift or refused or foreign else 0
