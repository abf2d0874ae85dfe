"""The part of the gateway that asks for data: contracts, chains, positions, account, bars and quotes."""

from abc import ABC, abstractmethod
from collections.abc import Coroutine, Iterable, Sequence
from datetime import datetime
from typing import Any, TypeVar

from v6.config.settings import Ibkr
from v6.gateway import historical, market_data, requests
from v6.gateway.connection import Connection
from v6.gateway.errors import GatewayError
from v6.gateway.historical_many import BarRequest, Fetch, OnAnswer, Watch
from v6.gateway.historical_memory import Memory, ProcessMemory
from v6.model import Bar, Contract, ContractDetails, OptionChain, Position, Quote

T = TypeVar("T")


class DataQuestions(ABC):
    """Blocking methods and their `_async` twins."""

    settings: Ibkr

    @property
    @abstractmethod
    def connection(self) -> Connection: ...

    @property
    @abstractmethod
    def lines(self) -> market_data.Lines: ...

    @abstractmethod
    def _run(self, work: Coroutine[Any, Any, T]) -> T: ...

    def current_time(self) -> datetime:
        """TWS's clock in UTC: a round trip."""
        return self._run(self.current_time_async())

    def contract_details(self, contract: Contract) -> list[ContractDetails]:
        """Every contract that fits the description; RequestError 200 if none does."""
        return self._run(self.contract_details_async(contract))

    def contract_details_many(
        self, contracts: Sequence[Contract], *, expired: bool = False
    ) -> list[list[ContractDetails] | GatewayError]:
        """In the same order, the error in the place of an answer. `expired`: futures that have expired as well."""
        return self._run(self.contract_details_many_async(contracts, expired=expired))

    def option_chains(self, symbol: str, con_id: int) -> list[OptionChain]:
        return self._run(self.option_chains_async(symbol, con_id))

    def positions(self) -> list[Position]:
        return self._run(self.positions_async())

    def account_summary(self) -> dict[str, dict[str, str]]:
        """account -> tag -> value, as TWS words it."""
        return self._run(self.account_summary_async())

    def historical_bars(
        self, contract: Contract, duration: str, bar_size: str, what: str, use_rth: bool, end: datetime | None = None
    ) -> list[Bar]:
        """Oldest first, up to `end` (aware; None = now); [] when TWS says that there are none."""
        return self._run(self.historical_bars_async(contract, duration, bar_size, what, use_rth, end))

    def historical_bars_many(
        self,
        requests: Iterable[BarRequest],
        on_answer: OnAnswer,
        *,
        memory: Memory | None = None,
        until: float | None = None,
        watch: Watch | None = None,
    ) -> int:
        """Several in flight at once, within TWS's pacing; `on_answer(request, bars or error)` for each as it comes, on
        the connection's loop. Returns how many were answered: none leaves after `until` (monotonic).

        What fails and may succeed is asked again, a bounded number of times, before its error is the answer. `memory`:
        who remembers the requests for small bars that TWS still counts, by default only this call. `watch`: who is told
        of repeats. Raises Disconnected when the connection ends, and what `on_answer` and `watch` raise.
        """
        return self._run(self.historical_bars_many_async(requests, on_answer, memory=memory, until=until, watch=watch))

    def quotes(
        self,
        contracts: Sequence[Contract],
        *,
        generic_ticks: str = "",
        need_greeks: bool,
        deadline_seconds: float,
        first_tick: bool = False,
    ) -> list[Quote]:
        """One quote per contract, in the same order, complete or with the reason why not; never raises for a miss.

        `first_tick`: complete is then what proves that data arrive, the data type and a price: live a bid, ask or last,
        frozen (`set_market_data_type(2)`, the market closed) also a close. Greeks are not waited for.
        """
        return self._run(
            self.quotes_async(
                contracts,
                generic_ticks=generic_ticks,
                need_greeks=need_greeks,
                deadline_seconds=deadline_seconds,
                first_tick=first_tick,
            )
        )

    def set_market_data_type(self, number: int) -> None:
        """1 live, 2 frozen, 3 delayed, 4 delayed frozen: what TWS may send; each quote says what it did send."""
        self._run(self.set_market_data_type_async(number))

    # the same for callers on a running event loop

    async def current_time_async(self) -> datetime:
        return await requests.current_time(self.connection)

    async def contract_details_async(self, contract: Contract) -> list[ContractDetails]:
        return await requests.contract_details(self.connection, contract)

    async def contract_details_many_async(
        self, contracts: Sequence[Contract], *, expired: bool = False
    ) -> list[list[ContractDetails] | GatewayError]:
        return await requests.contract_details_many(self.connection, contracts, expired=expired)

    async def option_chains_async(self, symbol: str, con_id: int) -> list[OptionChain]:
        return await requests.option_chains(self.connection, symbol, con_id)

    async def positions_async(self) -> list[Position]:
        return await requests.positions(self.connection)

    async def account_summary_async(self) -> dict[str, dict[str, str]]:
        return await requests.account_summary(self.connection)

    async def historical_bars_async(
        self, contract: Contract, duration: str, bar_size: str, what: str, use_rth: bool, end: datetime | None = None
    ) -> list[Bar]:
        return await historical.historical_bars(self.connection, contract, duration, bar_size, what, use_rth, end)

    async def historical_bars_many_async(
        self,
        requests: Iterable[BarRequest],
        on_answer: OnAnswer,
        *,
        memory: Memory | None = None,
        until: float | None = None,
        watch: Watch | None = None,
    ) -> int:
        return await Fetch(self.connection, on_answer, memory or ProcessMemory(), until, watch).run(requests)

    async def quotes_async(
        self,
        contracts: Sequence[Contract],
        *,
        generic_ticks: str = "",
        need_greeks: bool,
        deadline_seconds: float,
        first_tick: bool = False,
    ) -> list[Quote]:
        wants = market_data.Wants(
            generic_ticks=generic_ticks,
            greeks=need_greeks and not first_tick,
            quote_seconds=self.settings.quote_timeout_seconds,
            greeks_seconds=self.settings.greeks_wait_seconds,
            first_tick=first_tick,
        )
        return await market_data.collect(self.lines, contracts, wants, deadline_seconds)

    async def set_market_data_type_async(self, number: int) -> None:
        connection = self.connection
        await connection.turn("market data type", lambda: connection.client.reqMarketDataType(number))
