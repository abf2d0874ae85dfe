"""What the gate reads for one script, in one small file: a skip costs a few milliseconds, and most of them are reading.

var/compiled/gate/<job>.txt, made from schedule.txt and calendar.txt:

    # v6 gate 2
    root|home|log_directory|timezone|enable_holiday_check|enable_logging|covers from|to|...
        ...|task at|windows at|days at|heartbeats
    NAME|0/1                  switches that `.env` sets
    task|...                  the tasks with this script, from line "task at" (counted from 0)
    name|zone|days|...        the restart windows
    YYYY-MM-DD closed ...     the newest days of calendar.txt; the gate turns to that file for older ones

heartbeats: of its tasks those whose word is awaited, also when they are skipped as planned.
"""

from v6.scheduler.side_channels import HEARTBEATS

HEADER = "# v6 gate 2"
NEWEST_DAYS = 40
SETTINGS = ("root", "home", "log_directory", "timezone", "enable_holiday_check", "enable_logging")


def render(schedule: str, calendar: str) -> dict[str, str]:
    """File name -> text, for every script of the compiled schedule."""
    lines = schedule.splitlines()
    settings = dict(line.split("|")[1:3] for line in lines if line.startswith("setting|"))
    switches = [line.removeprefix("env|") for line in lines if line.startswith("env|")]
    windows = [line.removeprefix("window|") for line in lines if line.startswith("window|")]
    by_script: dict[str, list[str]] = {}
    for line in lines:
        if line.startswith("task|"):
            by_script.setdefault(line.split("|")[2], []).append(line)
    awaited = settings.get(HEARTBEATS, "").split(",")
    head, *days = calendar.splitlines()
    covers = head.partition(" covers ")[2].split()[:2]
    files = {}
    for script, tasks in by_script.items():
        task_at = 2 + len(switches)
        places = (task_at, task_at + len(tasks), task_at + len(tasks) + len(windows))
        heartbeats = ",".join(name for name in awaited if any(line.startswith(f"task|{name}|") for line in tasks))
        first = "|".join((*(settings[key] for key in SETTINGS), *covers, *map(str, places), heartbeats))
        text = "\n".join((HEADER, first, *switches, *tasks, *windows, *days[:NEWEST_DAYS]))
        files[script.removeprefix("scripts/").removesuffix(".py") + ".txt"] = f"{text}\n"
    return files
