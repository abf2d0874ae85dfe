"""Every question is answered, refused in TWS's words, or given up in time; errors are raised, never swallowed."""

import socket
import threading
import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import pytest
from gateway_support import CHAIN, ES, HANDSHAKE, NOT_LISTED, READY, SPY, TUESDAY, frame, raw_tws

from v6.gateway.client import Gateway
from v6.gateway.errors import Disconnected, RequestError, RequestTimeout
from v6.model import Contract, ContractDetails
from v6.simulator.testing import SimulatedTWS

pytestmark = [pytest.mark.integration, pytest.mark.both_libraries, pytest.mark.core]


def test_the_facts_of_a_connection(tws: SimulatedTWS, gateway: Callable[..., Gateway]) -> None:
    with gateway(tws.port) as gw:
        assert gw.accounts == ["DU9000001"]
        assert gw.server_version >= 157
        assert gw.farms["usfarm"] == 2104
        assert abs(gw.current_time() - TUESDAY) < timedelta(seconds=30)
        assert gw.connected
    assert not gw.connected
    assert tws.stats.requests.keys() == {71, 49}, "nothing is asked that was not asked for"


def test_contract_details_with_ids_and_hours(tws: SimulatedTWS, gateway: Callable[..., Gateway]) -> None:
    with gateway(tws.port) as gw:
        [spy] = gw.contract_details(SPY)
        assert spy.contract.con_id > 0
        assert spy.liquid_hours[0][0] == TUESDAY.replace(hour=9, minute=30)
        options = gw.contract_details(CHAIN)
        assert {details.contract.expiry for details in options} == {date(2026, 12, 18)}
        assert {details.contract.right for details in options} == {"C", "P"}
        assert all(details.under_con_id == spy.contract.con_id for details in options)


def test_many_contracts_are_answered_in_order_with_errors_in_their_place(
    tws: SimulatedTWS, gateway: Callable[..., Gateway], options: list[Contract]
) -> None:
    asked = [*options[:20], NOT_LISTED, SPY]
    with gateway(tws.port) as gw:
        answers = gw.contract_details_many(asked)
    for contract, answer in zip(asked, answers, strict=True):
        if contract is NOT_LISTED:
            assert isinstance(answer, RequestError)
            assert answer.code == 200
        else:
            assert isinstance(answer, list)
            [details] = answer
            assert isinstance(details, ContractDetails)
            assert details.contract.symbol == contract.symbol
            assert contract is SPY or details.contract.con_id == contract.con_id


def test_an_unknown_contract_is_an_error_with_code_and_text(tws: SimulatedTWS, gateway: Callable[..., Gateway]) -> None:
    with gateway(tws.port) as gw, pytest.raises(RequestError) as caught:
        gw.contract_details(NOT_LISTED)
    assert caught.value.code == 200
    assert "No security definition" in caught.value.text
    assert "NOSUCH" in str(caught.value)
    assert not caught.value.recoverable


def test_an_option_without_expiry_is_never_asked_for(tws: SimulatedTWS, gateway: Callable[..., Gateway]) -> None:
    with gateway(tws.port) as gw, pytest.raises(ValueError, match="expiry"):
        gw.contract_details(Contract("OPT", "SPY", "SMART"))
    assert 9 not in tws.stats.requests


def test_option_chains_are_sorted_dates_and_strikes(tws: SimulatedTWS, gateway: Callable[..., Gateway]) -> None:
    with gateway(tws.port) as gw:
        [spy] = gw.contract_details(SPY)
        chains = gw.option_chains("SPY", spy.contract.con_id)
    smart = next(chain for chain in chains if chain.exchange == "SMART" and chain.trading_class == "SPY")
    assert smart.multiplier == 100
    assert date(2026, 12, 18) in smart.expiries
    assert list(smart.strikes) == sorted(smart.strikes)


def test_positions_and_account(tws: SimulatedTWS, gateway: Callable[..., Gateway]) -> None:
    with gateway(tws.port) as gw:
        first, again = gw.positions(), gw.positions()
        summary = gw.account_summary()
        quotes = gw.quotes([position.contract for position in first], need_greeks=False, deadline_seconds=5)
    assert first == again
    assert {position.account for position in first} == {"DU9000001"}
    assert float(summary["DU9000001"]["NetLiquidation"]) > 0
    assert {position.contract.exchange for position in first if position.contract.sec_type == "FUT"} == {"CME"}
    assert all(quote.status == "complete" for quote in quotes), "TWS reports positions without an exchange"


def test_a_position_without_exchange_is_kept_if_tws_knows_it_no_more_and_an_error_if_it_cannot_be_asked(
    gateway: Callable[..., Gateway],
) -> None:
    held = frame(61, 3, "DU9000001", 620730920, "ES", "FUT", 20261218, "0.0", "", 50, "", "USD", "ESZ6", "ES", 1, 3e5)
    positions = {b"61": lambda _: held + frame(62, 1)}
    unknown = {b"9": lambda fields: frame(4, 2, int(fields[2]), 200, "No security definition has been found", "")}
    with raw_tws(answering(positions | unknown)) as tws, gateway(tws.port) as gw:
        assert [position.contract.exchange for position in gw.positions()] == [""]
    with (
        raw_tws(answering(positions)) as tws,
        gateway(tws.port, request_timeout_seconds=0.4) as gw,
        pytest.raises(RequestTimeout, match="contract details"),
    ):
        gw.positions()


def test_historical_bars(tws: SimulatedTWS, gateway: Callable[..., Gateway]) -> None:
    with gateway(tws.port) as gw:
        future = gw.contract_details(ES)[0].contract
        hourly = gw.historical_bars(future, "2 D", "1 hour", "TRADES", False)
        daily = gw.historical_bars(future, "5 D", "1 day", "TRADES", False)
        until = TUESDAY - timedelta(days=1)
        earlier = gw.historical_bars(future, "1 D", "1 hour", "TRADES", False, end=until)
    assert all(bar.low <= min(bar.open, bar.close) <= max(bar.open, bar.close) <= bar.high for bar in hourly)
    assert [bar.start for bar in hourly] == sorted(bar.start for bar in hourly)
    assert hourly[-1].start == datetime(2026, 11, 24, 15, 0, tzinfo=UTC)
    assert len(daily) == 5
    assert earlier[-1].start < until


def test_a_silent_tws_costs_a_request_its_time_limit_and_no_more(
    tws: SimulatedTWS, gateway: Callable[..., Gateway]
) -> None:
    with gateway(tws.port, request_timeout_seconds=0.4) as gw:
        gw.current_time()
        tws.set(mute_after_start=True)
        questions: list[Callable[[], object]] = [
            gw.current_time,
            gw.positions,
            gw.account_summary,
            lambda: gw.contract_details(SPY),
            lambda: gw.option_chains("SPY", 756733),
            lambda: gw.historical_bars(SPY, "1 D", "1 hour", "TRADES", True),
        ]
        for ask in questions:
            started = time.monotonic()
            with pytest.raises(RequestTimeout) as caught:
                ask()
            assert 0.4 <= time.monotonic() - started < 1.5
            assert caught.value.recoverable
        assert gw.connected, "a socket says nothing about what is behind it (L24)"


def test_positions_are_not_pieced_together_from_an_overdue_answer(
    tws: SimulatedTWS, gateway: Callable[..., Gateway]
) -> None:
    with gateway(tws.port, request_timeout_seconds=0.3) as gw:
        tws.set(mute_after_start=True)
        with pytest.raises(RequestTimeout):
            gw.positions()
        tws.set(mute_after_start=False)
        with pytest.raises(Disconnected, match="overdue"):
            gw.positions()


def test_a_lost_connection_fails_the_request_at_once(tws: SimulatedTWS, gateway: Callable[..., Gateway]) -> None:
    with gateway(tws.port, request_timeout_seconds=30.0) as gw:
        tws.set(mute_after_start=True)
        threading.Timer(0.3, tws.drop_all).start()
        started = time.monotonic()
        with pytest.raises(Disconnected) as caught:
            gw.contract_details(SPY)
        assert time.monotonic() - started < 5
        assert caught.value.recoverable
        with pytest.raises(Disconnected):
            gw.current_time()


def answering(answers: dict[bytes, Callable[[list[bytes]], bytes]]) -> Callable[[socket.socket], None]:
    """A TWS that answers requests by their kind; it stays silent to all others."""

    def talk(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(HANDSHAKE)
        connection.recv(65536)
        connection.sendall(READY)
        while data := connection.recv(65536):
            while data:
                end = 4 + int.from_bytes(data[:4], "big")
                fields, data = data[4:end].split(b"\0"), data[end:]
                if fields[0] in answers:
                    connection.sendall(answers[fields[0]](fields))

    return talk


def history_error(text: str) -> Callable[[socket.socket], None]:
    return answering({b"20": lambda fields: frame(4, 2, int(fields[1]), 162, text, "")})


def test_a_pacing_violation_may_be_tried_again_and_no_data_are_no_bars(gateway: Callable[..., Gateway]) -> None:
    with (
        raw_tws(history_error("Historical Market Data Service error message:pacing violation")) as tws,
        gateway(tws.port) as gw,
        pytest.raises(RequestError) as caught,
    ):
        gw.historical_bars(SPY, "1 D", "1 hour", "TRADES", True)
    assert caught.value.recoverable
    with raw_tws(history_error("HMDS query returned no data: SPY")) as tws, gateway(tws.port) as gw:
        assert gw.historical_bars(SPY, "1 D", "1 hour", "TRADES", True) == []


def test_a_message_the_library_cannot_read_is_reported(gateway: Callable[..., Gateway]) -> None:
    """A minor release of TWS or library once changed a field and dropped every contract, silently (L34)."""

    warnings: list[str] = []

    class Log:
        def debug(self, message: str, /) -> None: ...
        def info(self, message: str, /) -> None: ...
        def warning(self, message: str, /) -> None:
            warnings.append(message)

    spoilt = answering({b"9": lambda fields: frame(10, int(fields[2]), "SPY") + frame(52, 1, int(fields[2]))})
    with raw_tws(spoilt) as tws, gateway(tws.port, log=Log()) as gw:
        assert gw.contract_details(SPY) == []
    assert any("could not read a message" in warning for warning in warnings)
