"""What must hold between the restart settings, the pool of client ids and the tasks. The settings that a rule
compares with belong to it: the one that was set last is the one to look at."""

from collections.abc import Collection, Iterator

from v6.config.settings import Ibkr, Restart

POOL = ("ibkr.first_client_id", "ibkr.last_client_id")


def problems(restart: Restart, ibkr: Ibkr, tasks: Collection[str]) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    """(dotted path, problem, paths of what it was compared with) for everything wrong."""
    first, last = ibkr.first_client_id, ibkr.last_client_id
    pool = range(first, last + 1)
    outside = f"any run may get one of it, allowed: outside ibkr.first_client_id to last_client_id ({first}-{last})"
    if restart.client_id in pool:
        yield "restart.client_id", f"{restart.client_id} lies in the pool, {outside}", POOL
    if ibkr.diagnose_client_id in pool:
        yield "ibkr.diagnose_client_id", f"{ibkr.diagnose_client_id} lies in the pool, {outside}", POOL
    if ibkr.diagnose_client_id == restart.client_id:
        words = f"{restart.client_id} is restart.client_id, allowed: another one"
        yield "ibkr.diagnose_client_id", words, ("restart.client_id",)
    for client_id in restart.owner_client_ids:
        if client_id in pool:
            yield "restart.owner_client_ids", f"{client_id} lies in the pool, {outside}", POOL
    for task in restart.essential_tasks:
        if task not in tasks:
            yield "restart.essential_tasks", f"{task} is not a task, allowed: {', '.join(sorted(tasks))}", ()
