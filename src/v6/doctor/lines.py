"""Every line of `v6 doctor`: what must hold, and what to do where it does not; docs/operations.md shows it."""

from typing import NamedTuple


class Line(NamedTuple):
    """`holds`: what is proven when the line is ok. `cure`: the usual one; an answer may have a better one."""

    holds: str
    cure: str


TABLE: dict[str, Line] = {
    "interpreter": Line(
        "the Python that the gate starts is there, is a supported one and has this V6",
        "make setup, in V6's folder; V6_PYTHON, where it is set in the crontab, must name a Python with V6's libraries",
    ),
    "libraries": Line(
        "every library is installed in the version of the lock file that the environment was made from",
        "make fresh, in V6's folder: the environment anew from its lock file",
    ),
    "self-test": Line(
        "each library does what V6 needs of it: small real work in a process of its own",
        "make fresh, in V6's folder; if it stays, the evidence names the library: docs/libraries.md",
    ),
    "TWS library": Line(
        "ib_insync or ib_async is installed whole, is the one that ibkr.library wants, and has all that V6 uses",
        'make fresh, in V6\'s folder; docs/libraries.md, "One event package"',
    ),
    "configuration": Line(
        "default.yaml, production.yaml, .env and the environment are accepted and every task can run at some time",
        "correct what the evidence names (file: path.to.key) and ask `v6 schedule check`; until then the last good "
        "schedule goes on",
    ),
    "schedule": Line(
        "the compiled schedule that gate and jobs read is there, whole, of this folder and the present configuration",
        "`v6 schedule check` says what is wrong; where nothing is, `v6 schedule next` makes it anew, as does the gate",
    ),
    "calendar": Line(
        "the compiled calendar is whole and covers today and at least health.min_calendar_days more",
        "FORCE_RUN=true scripts/cron_wrapper.sh scripts/refresh_calendar.py; if it still ends too soon, update V6: "
        "pandas_market_calendars knows no further",
    ),
    "scripts": Line(
        "the gate and every script of the schedule are there, can be executed and can be parsed",
        "restore the checkout: git status, git checkout scripts; chmod 755 scripts/*.py scripts/cron_wrapper.sh",
    ),
    "permissions": Line(
        "state, logs and configuration belong to one user, who is the one of the jobs; nobody else reads the secrets "
        "(.env and production.yaml 600, var 700) or changes the programs",
        "the commands are in the evidence; `sudo ./install_scheduler.sh` sets the modes",
    ),
    "folders": Line(
        "var, the logs and a local lake are there and can be written; nothing else needs to be",
        "make the folder named, give it to the user of the jobs; where the file system is read-only look at `dmesg`, "
        "then mount it anew",
    ),
    "metrics": Line(
        "V6 can replace the file of metrics.textfile; where that lies outside of var others can read it, below var its "
        "owner alone",
        "docs/metrics.md, Setting it up: a folder that others can enter and the user of the jobs can write to",
    ),
    "disk": Line(
        "at least health.min_free_disk_percent of the space are free where state, logs and lake live, and inodes too",
        "remove what is not V6's, or lower retention.* and run FORCE_RUN=true scripts/cron_wrapper.sh "
        "scripts/cleanup_old_data.py",
    ),
    "host zone": Line(
        "the host's zone has a name that tzdata knows, and /etc/localtime and /etc/timezone agree",
        "timedatectl set-timezone ZONE, then install the crontab anew: its times are the host's",
    ),
    "tzdata": Line(
        "bash and Python give the same wall time for the same instants in every zone of the schedule",
        "apt-get install --reinstall tzdata; an old TZDIR or PYTHONTZPATH in the environment must go",
    ),
    "clock": Line(
        "the host's clock is synchronised",
        "apt-get install systemd-timesyncd (or chrony); timedatectl set-ntp true",
    ),
    "cron": Line(
        "a cron daemon runs, and it is one that V6 knows",
        "apt-get install cron; systemctl enable --now cron",
    ),
    "cron zone": Line(
        "the daemon's zone is the one that the installed lines were written for",
        "sudo ./install_scheduler.sh (or --user) writes them anew for that zone; to change the zone: "
        "timedatectl set-timezone, TZ in /etc/default/cron, then systemctl restart cron, then the installer",
    ),
    "crontab": Line(
        "V6's lines are installed, once, and accepted by this host's cron and by our stricter grammar",
        "sudo ./install_scheduler.sh (or --user); --check says what is wrong, --dry-run shows what would change",
    ),
    "drift": Line(
        "the installed lines are those that the configuration asks for; lines that were commented out are named",
        "sudo ./install_scheduler.sh (or --user): it shows the difference with --dry-run",
    ),
    "firing": Line(
        "the latest slots of the schedule left a trace in the gate's log or the journal: cron really starts them",
        "look at the lines cron and crontab above, at logs/cron/ and at `journalctl -u cron`; `v6 why TASK TIME` "
        "explains one slot",
    ),
    "missed": Line(
        "no slot of the last day was missed",
        "`v6 missed` names the slots with their cause; what can be made up is made up by health_check",
    ),
    "journal": Line(
        "var/v6.db is a whole SQLite file of this V6's schema, and can be written",
        "`v6 journal repair` saves what can be read of a damaged one while nothing runs; else "
        "`v6 lake restore DIR --journal` brings back a copy (docs/operations.md, Back up and restore)",
    ),
    "runs": Line(
        "no run was killed without anybody noticing",
        "the task's next run records it; `v6 runs TASK` and logs/tasks/ say how far it came",
    ),
    "TWS": Line(
        "TWS answers, has its account and its data farms, and data flow: the verdict of `v6 gateway diagnose`",
        "docs/connection.md has every verdict with its cure",
    ),
    "TWS clock": Line(
        "TWS's clock and the host's differ by health.max_clock_skew_seconds at most",
        "synchronise this host's clock, and that of the host of TWS",
    ),
    "alerts": Line(
        "a channel is configured, the last message was delivered and none waits",
        "V6_ALERT_URLS in .env (apprise URLs), then `v6 alerts test`",
    ),
    "heartbeat": Line(
        "a dead man's switch is configured and its last ping arrived: somebody else notices when this host is silent",
        "V6_HEARTBEAT_URL in .env: the address of a check at healthchecks.io or one like it",
    ),
}
