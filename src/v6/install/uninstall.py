"""Take V6 out of cron and logrotate. State, logs, configuration and user stay."""

import shlex
from collections.abc import Callable
from pathlib import Path

from v6.cron.roots import Roots
from v6.install import carry_out, files, logrotate, proof
from v6.install.refused import RefusedError
from v6.install.target import Target
from v6.paths import Paths

Say = Callable[[str], None]


def uninstall(paths: Paths, roots: Roots, target: Target, say: Say, *, dry_run: bool) -> int:
    """Raises RefusedError for what is not ours."""
    found, foreign = target.found(), target.foreign()
    if foreign and target.system:
        raise RefusedError(f"{foreign}: it is left alone; remove it by hand")
    if found is not None and (found.root, found.home) != (str(paths.root), str(paths.home)):
        words = f"{target.where} is of another installation: {found.root}, state in {found.home}"
        home, program = shlex.quote(found.home), shlex.quote(f"{found.root}/install_scheduler.sh")
        its_own = f"V6_HOME={home} {program} --uninstall"
        raise RefusedError(
            f"{words}: {its_own if Path(found.root).exists() else 'it is gone: remove its lines by hand'}"
        )
    rotates = logrotate.file(roots)
    left = [path for path in _left(target.kept) if path.exists()]
    if dry_run:
        say(f"would remove: {target.where}" if found is not None else f"{target.where}: nothing of V6 is there")
        if target.system and rotates.exists():
            say(f"would remove: {rotates}")
        return 0
    removed = target.remove()
    say(f"removed: V6 from {target.where}" if removed else f"{target.where}: nothing of V6 is there")
    if target.system and files.remove(rotates):
        say(f"removed: {rotates}")
    for path in left:
        path.unlink(missing_ok=True)
    _remove_folder(target, say)
    say(f"kept: {paths.var}, logs, configuration and the user; runs that are under way end by themselves")
    return 0


def _left(kept: Path) -> list[Path]:
    return [kept / name for name in (carry_out.LAST_GOOD, proof.RECORD, "probe.txt")]


def _remove_folder(target: Target, say: Say) -> None:
    kept = target.kept
    try:
        kept.rmdir()
    except FileNotFoundError:
        return
    except OSError:
        say(f"kept: {kept}, what was replaced")
