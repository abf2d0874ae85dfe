"""The questions with one answer: contracts, chains, positions, account, time."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

from v6.gateway.connection import Connection, Undo
from v6.gateway.contracts import SMART, day, details_from_library, from_library, to_library
from v6.gateway.errors import GatewayError, RequestError
from v6.model import Contract, ContractDetails, OptionChain, Position

NOT_LISTED = 200
SUMMARY_TAGS = (
    "AccountType,NetLiquidation,TotalCashValue,SettledCash,BuyingPower,ExcessLiquidity,Cushion,"
    "GrossPositionValue,InitMarginReq,MaintMarginReq,AvailableFunds"
)


async def current_time(connection: Connection) -> datetime:
    """TWS's clock (whole seconds), in UTC: the round trip that proves a connection alive."""
    client = connection.client
    rows = await connection.ask("current time", lambda _: client.reqCurrentTime(), name="currentTime", local=True)
    return datetime.fromtimestamp(rows[0], UTC)


async def contract_details(
    connection: Connection, contract: Contract, *, expired: bool = False
) -> list[ContractDetails]:
    """Every contract that fits the description; RequestError 200 if none does. `expired`: futures of the last two years
    as well [IBKR's documents].

    An option without expiry is refused here: for a symbol like SPY it hangs TWS [public issue threads].
    """
    if contract.sec_type == "OPT" and not contract.con_id and contract.expiry is None:
        raise ValueError(f"contract details of {contract} need an expiry or a con_id")
    wire = to_library(connection.library, contract)
    wire.includeExpired = expired
    rows = await connection.ask(
        f"contract details of {contract}", lambda number: connection.client.reqContractDetails(number, wire)
    )
    return [details_from_library(row) for row in rows]


async def contract_details_many(
    connection: Connection, contracts: Sequence[Contract], *, expired: bool = False
) -> list[list[ContractDetails] | GatewayError]:
    """All at once, paced; an answer or its error for each, in the same order."""
    answers = await asyncio.gather(
        *(contract_details(connection, contract, expired=expired) for contract in contracts), return_exceptions=True
    )
    return [_answer_or_error(answer) for answer in answers]


def _answer_or_error(answer: list[ContractDetails] | BaseException) -> list[ContractDetails] | GatewayError:
    if isinstance(answer, BaseException) and not isinstance(answer, GatewayError):
        raise answer
    return answer


async def option_chains(connection: Connection, symbol: str, con_id: int) -> list[OptionChain]:
    """The chains of a stock (one row per exchange and trading class)."""
    rows = await connection.ask(
        f"option chains of {symbol}",
        lambda number: connection.client.reqSecDefOptParams(number, symbol, "", "STK", con_id),
    )
    return [
        OptionChain(
            exchange=exchange,
            underlying_con_id=int(underlying),
            trading_class=trading_class,
            multiplier=float(multiplier),
            expiries=tuple(sorted(expiry for text in expiries if (expiry := day(text)))),
            strikes=tuple(sorted(strikes)),
        )
        for exchange, underlying, trading_class, multiplier, expiries, strikes in rows
    ]


async def positions(connection: Connection) -> list[Position]:
    """Every position of every account; flat ones (quantity 0) are left out.

    TWS names no exchange for futures and the like: it is looked up, and stays empty when TWS does not tell. The rows
    carry no id: what comes after an overdue answer could be its rest, so the connection asks no more then.
    """
    client = connection.client
    stop = Undo(lambda _: client.cancelPositions(), always=True)
    rows = await connection.ask_unnumbered("positions", lambda _: client.reqPositions(), name="positions", undo=stop)
    held = [
        Position(account, from_library(contract), float(quantity), float(average_cost))
        for account, contract, quantity, average_cost in rows
        if quantity
    ]
    exchanges = await _exchanges(connection, [position.contract for position in held])
    return [
        replace(position, contract=replace(position.contract, exchange=exchange))
        if (exchange := exchanges.get(position.contract.con_id))
        else position
        for position in held
    ]


async def _exchanges(connection: Connection, contracts: Sequence[Contract]) -> dict[int, str]:
    """con_id -> exchange, for those that have none and are not routed by SMART; TWS may know a contract no more.

    Raises GatewayError when TWS could not be asked: that is no answer.
    """
    lacking = {each.con_id: each for each in contracts if not each.exchange and each.sec_type not in SMART}
    answers = await contract_details_many(connection, list(lacking.values()))
    found: dict[int, str] = {}
    for con_id, answer in zip(lacking, answers, strict=True):
        if isinstance(answer, GatewayError):
            if not (isinstance(answer, RequestError) and answer.code == NOT_LISTED):
                raise answer
        elif answer:
            found[con_id] = answer[0].contract.exchange
    return found


async def account_summary(connection: Connection) -> dict[str, dict[str, str]]:
    """account -> tag -> value, as TWS words it."""
    client = connection.client
    stop = Undo(client.cancelAccountSummary, always=True)
    rows = await connection.ask(
        "account summary", lambda number: client.reqAccountSummary(number, "All", SUMMARY_TAGS), undo=stop
    )
    summary: dict[str, dict[str, str]] = {}
    for account, tag, value, _currency in rows:
        summary.setdefault(account, {})[tag] = value
    return summary
