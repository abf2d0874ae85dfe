"""Put back what was there before a restart, as far as V6 may: the validator proves subscriptions, scanners run once,
orders and positions are read again and compared. Orders are never placed again: whether one is still wanted is the
decision of whoever placed it, and one that TWS only seems to have lost would be doubled (L35).
"""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from v6.analysis.findings import Finding, could_not_check, failed, ok
from v6.gateway.errors import ConnectCause, ConnectFailed, GatewayError, NoClientId
from v6.model import ScannerFilter

if TYPE_CHECKING:
    from v6.gateway.client import Gateway

OWNER_SECONDS = 2.0
"""For the next order id of one owner client id, and no second try: its own program may be back already and have it, or
come back meanwhile and be told 326 as long as we do."""


async def run_scanners(gateway: "Gateway", scanners: Sequence[ScannerFilter]) -> Finding:
    """Each saved scanner answers once; whoever subscribes to it does that on its own connection."""
    if not scanners:
        return ok("scanners", "none were saved")
    answers = await asyncio.gather(*(_scan(gateway, one) for one in scanners))
    broken = [words for words in answers if words]
    if broken:
        return failed("scanners", f"{len(broken)} of {len(scanners)}: {'; '.join(broken)}")
    return ok("scanners", f"{len(scanners)} of {len(scanners)} answer")


async def _scan(gateway: "Gateway", wanted: ScannerFilter) -> str:
    try:
        await gateway.scan_async(wanted)
    except GatewayError as error:
        return f"{wanted.scan_code} of {wanted.location}: {error}"
    return ""


async def next_order_ids(
    owners: Sequence[int], door: Callable[[int], "Gateway"]
) -> tuple[dict[int, int], list[Finding]]:
    """client id -> its next order id as TWS says it now, from a moment's connection as each; and why not. To be asked
    only of clients with a mark: nothing else can be rolled back."""
    answers = await asyncio.gather(*(_next_id(owner, door) for owner in owners))
    known = {owner: answer for owner, answer in zip(owners, answers, strict=True) if isinstance(answer, int)}
    return known, [answer for answer in answers if isinstance(answer, Finding)]


async def _next_id(owner: int, door: Callable[[int], "Gateway"]) -> int | Finding:
    name = f"order ids of client {owner}"
    gateway = door(owner)
    gateway.settings = gateway.settings.model_copy(update={"connect_timeout_seconds": OWNER_SECONDS})
    try:
        async with asyncio.timeout(OWNER_SECONDS):
            await gateway.open_async()
        return gateway.next_valid_id
    except TimeoutError:
        return could_not_check(name, f"TWS did not take client {owner} within {OWNER_SECONDS:g} s")
    except NoClientId:
        return could_not_check(name, "another run of V6 is connected with that id")
    except ConnectFailed as error:
        in_use = error.cause is ConnectCause.CLIENT_ID_IN_USE
        return could_not_check(name, "its program is connected already" if in_use else str(error))
    except GatewayError as error:
        return could_not_check(name, str(error))
    finally:
        with suppress(GatewayError):
            await gateway.close_async()
