"""A file for logrotate, where the host has it: a bound for V6's logs between two runs of its own clean-up.

The names are given one by one: what was rotated is called NAME.DATE.log, as the clean-up calls it (and removes it in
time), and would match `*.log`.
"""

import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from v6.config.load import Config
from v6.cron.programs import PATH
from v6.cron.roots import NAME, Roots
from v6.install.account import Account, tools
from v6.paths import Paths
from v6.upkeep.rotation import ROTATE_BYTES

FOLDER = "logrotate.d"
OWN = ("alerts.log", "cron_wrapper.log", "unified_scheduler.log")
SECONDS = 60
TEXT = """# V6: written by install_scheduler.sh, which also removes it.
{names}
{{
    su {user} {group}
    size {size}
    rotate 1000
    missingok
    notifempty
    nocreate
    nocompress
    dateext
    dateformat .%Y-%m-%d
    extension .log
}}
"""


def file(roots: Roots) -> Path:
    return roots.etc / FOLDER / NAME


def wanted(config: Config, paths: Paths, account: Account, roots: Roots, group: str) -> str | None:
    """None where logrotate is not, or where a path is none it could read."""
    if shutil.which("logrotate", path=PATH) is None or not file(roots).parent.is_dir():
        return None
    logs = paths.home / config.scheduler.log_directory
    scripts = {Path(task.script).stem for task in config.scheduler.tasks.values()}
    names = [logs / "cron" / f"{stem}.log" for stem in sorted(scripts)] + [logs / "scheduler" / name for name in OWN]
    if any(re.search(r'["\\*?\[\]{}]', str(name)) for name in names):
        return None
    shown = "\n".join(f'"{name}"' for name in names)
    return TEXT.format(names=shown, user=account.name, group=group, size=ROTATE_BYTES)


def refusal(text: str) -> str:
    """Why logrotate would not take it, '' when it does."""
    with tempfile.TemporaryDirectory(prefix="v6-logrotate-") as name:
        shown = Path(name) / NAME
        shown.write_text(text, encoding="utf-8")
        shown.chmod(0o644)
        done = subprocess.run(
            ["logrotate", "-d", "-s", str(Path(name) / "state"), str(shown)],
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=SECONDS, check=False, env=tools(),
        )  # fmt: skip
    errors = [line for line in done.stderr.splitlines() if line.startswith("error:")]
    return "; ".join(errors) if done.returncode or errors else ""
