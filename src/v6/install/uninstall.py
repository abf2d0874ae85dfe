"""Take V6 out of cron and logrotate. State, logs, configuration and user stay."""

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
        its_own = f"V6_HOME={found.home} {found.root}/install_scheduler.sh --uninstall"
        gone = "" if Path(found.root).exists() else f" (it is gone: remove {target.where}'s lines by hand)"
        raise RefusedError(
            f"{target.where} is of another installation: {found.root}, state in {found.home}: {its_own}{gone}"
        )
    rotates = logrotate.file(roots)
    left = [path for path in _left(target.kept) if path.exists()]
    if dry_run:
        for there, what in ((found is not None, target.where), (target.system and rotates.exists(), str(rotates))):
            say(f"would remove: {what}" if there else f"{what}: nothing of V6 is there")
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
