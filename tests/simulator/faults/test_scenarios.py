"""Every shipped scenario: it loads, says what it imitates and where that is known from, and really does it."""

import socket
from contextlib import ExitStack
from itertools import islice
from pathlib import Path

import pytest
from raw_tws_client import SPY, TUESDAY, RawClient, eventually

from v6.simulator.faults.scenario import FOLDER, Scenario, ScenarioError, names
from v6.simulator.testing import simulated_tws

OPTION = ("", "SPY", "OPT", "20270115", "640", "C", "100", "SMART", "", "USD", "", "")
FUTURE = ("", "ES", "FUT", "202612", "0.0", "", "50", "CME", "", "USD", "", "")
HISTORY = (0, "", "1 hour", "1 D", 1, "TRADES", 1, 0, "")
FASTER = 200.0  # 75 seconds become 0.4


class Desk:
    """A simulator on which a scenario is run, and its clients."""

    def __init__(self, tws):
        self.tws = tws
        self._clients = []

    def connect(self, client_id=5, *, start=True):
        client = RawClient(self.tws.port, client_id=client_id, start=start)
        self._clients.append(client)
        if start:
            while client.until(4)[3] not in ("2158", "2157", "2119", "2110"):
                pass
        return client

    def run(self, name, faster=FASTER):
        answer = self.tws.control({"do": "run", "scenario": name, "now": True, "faster": faster})
        assert answer["ok"], answer

    def refused(self):
        try:
            socket.create_connection(("127.0.0.1", self.tws.port), timeout=5).close()
        except ConnectionRefusedError:
            return True
        return False

    def close(self):
        for client in self._clients:
            client.close()


@pytest.fixture
def desk(calendar):
    with simulated_tws(fast=True, start_at=TUESDAY, calendar=calendar, backlog=1) as tws:
        desk = Desk(tws)
        yield desk
        desk.close()


def data(client, request=9, contract=SPY, *, snapshot=0):
    client.send(1, 11, request, *contract, 0, "", snapshot, 0, "")


def code(client):
    """The next error, farms and all."""
    fields = client.until(4)
    return int(fields[3])


def codes_until(client, last):
    seen = [code(client)]
    while seen[-1] != last:
        seen.append(code(client))
    return seen


def time_of(client):
    client.send(49, 1)
    return int(client.until(49)[2])


# one expectation a scenario


def bad_morning(desk):
    desk.run("bad_morning", 1500.0)
    assert desk.connect(start=False).silent(0.05)
    assert eventually(lambda: desk.tws.stats.drops == 1, 30)


def restarts(desk, name):
    client = desk.connect()
    desk.run(name, 50.0)
    assert client.end() == "reset"
    assert desk.refused()


def daily_restart(desk):
    restarts(desk, "daily_restart")
    assert eventually(lambda: not desk.refused())
    assert eventually(lambda: desk.tws.control({"do": "faults"})["faults"] == {})
    assert time_of(desk.connect())


# around a restart; each tells what V6 meets then, played so much faster


def orders(desk):
    return {(each["client"], each["order"]): each for each in desk.tws.control({"do": "orders"})["orders"]}


def next_id(client):
    client.send(8, 1, 1)
    return int(client.until(9)[2])


def restart_mid_order(desk):
    client = desk.connect(7)
    desk.run("restart_mid_order", 20_000.0)
    client.until(5)  # its orders: it is told of them as if it had placed them on this connection
    assert client.end() == "reset"
    assert eventually(lambda: (0, 0) not in orders(desk) and orders(desk).get((7, 42), {}).get("remaining") == 25, 10)
    assert orders(desk).keys() == {(7, 41), (7, 42), (7, 43)}


def orders_lost_in_flight(desk):
    client = desk.connect(3)
    ids, marks = desk.tws.server.trading.ids, []
    roll_back = ids.roll_back

    def noted():  # 30 ms are between the orders and the restart: too short to be caught by asking
        marks.append(ids.next())
        roll_back()
        marks.append(ids.next())

    ids.roll_back = noted
    desk.run("orders_lost_in_flight", 20_000.0)
    assert client.end() == "reset"
    assert eventually(lambda: marks == [38103, 38099], 30)
    assert eventually(lambda: not desk.refused())
    assert next_id(desk.connect(3)) == 38099
    assert orders(desk).keys() == {(7, 38098)}


def ids_occupied_after_restart(desk):
    desk.connect(7)
    desk.run("ids_occupied_after_restart", 2000.0)  # 7 s after the restart: real ones are longer
    assert eventually(lambda: desk.tws.server.faults.client_ids_in_use == {7} and not desk.refused(), 10)
    again = desk.connect(7, start=False)
    again.next()
    again.send(71, 2, 7, "")
    assert again.error()[1] == 326
    assert time_of(desk.connect(8))
    assert eventually(lambda: not desk.tws.server.faults.client_ids_in_use, 20)
    assert time_of(desk.connect(7))


def positions_change_while_away(desk):
    desk.connect()
    held = lambda: {each.listing.symbol: each.quantity for each in desk.tws.server.books.holdings(  # noqa: E731
        "DU9000001", desk.tws.server.epoch()) if each.listing.sec_type == "STK"}  # fmt: skip
    assert held() == {"SPY": 100}
    desk.run("positions_change_while_away")
    assert eventually(lambda: held() == {"SPY": 40, "QQQ": 25}, 10)
    assert not orders(desk)


def login_never_answered(desk):
    client = desk.connect()
    desk.run("login_never_answered", 1.0)
    assert client.end() == "reset"
    assert desk.refused()
    assert desk.tws.control({"do": "login"})["ok"]
    assert not desk.refused()


def login_answered(desk):
    client = desk.connect()
    desk.run("login_answered", 40_000.0)  # Sunday's ten hours and a half
    assert client.end() == "reset"
    assert desk.refused()
    assert eventually(lambda: not desk.refused(), 15)


def restart_never_comes(desk):
    client = resets(desk, "restart_never_comes", 1102)
    assert time_of(client)
    assert desk.tws.stats.restarts == 0


def restart_never_ends(desk):
    restarts(desk, "restart_never_ends")
    assert desk.tws.server.faults.refuse


def restarts_and_is_well(desk, name):
    restarts(desk, name)
    assert eventually(lambda: not desk.refused())
    assert eventually(lambda: desk.tws.control({"do": "faults"})["faults"] == {})
    assert time_of(desk.connect())


def restart_during_preparation(desk):
    client = desk.connect()
    desk.run("restart_during_preparation", 1.0)
    assert client.end() == "reset"
    assert desk.refused()
    assert eventually(lambda: not desk.refused())


def restart_twice(desk):
    desk.run("restart_twice", 20_000.0)
    assert eventually(lambda: desk.tws.stats.restarts == 4, 15)  # a night's two and a Sunday's


def mute_after_restart(desk):
    restarts(desk, "mute_after_restart")
    assert eventually(lambda: desk.tws.server.faults.mute_before_handshake)
    assert desk.connect(start=False).silent(0.2)
    assert eventually(lambda: not desk.tws.server.faults.mute_before_handshake, 5)


def farms_flap_after_restart(desk):
    client = desk.connect()
    desk.run("farms_flap_after_restart", 60.0)
    assert [{code(client) for _ in range(3)} for _ in range(4)] == [{2103, 2105}, {2104, 2106}] * 2


def reset_after_restart(desk):
    client = desk.connect()
    desk.run("reset_after_restart", 20_000.0)  # by the hour: 00:30, Sunday's 10:02 and 14:15, 23:45
    assert code(client) == 1100
    assert eventually(lambda: (desk.tws.stats.resets, desk.tws.stats.restarts) == (2, 2), 15)


def needs_a_login(desk, name):
    restarts(desk, name)
    assert eventually(lambda: desk.tws.server.faults.awaiting_login)
    assert desk.refused()
    assert desk.tws.control({"do": "login"})["ok"]
    assert not desk.refused()
    assert eventually(lambda: desk.tws.control({"do": "faults"})["faults"] == {})
    assert time_of(desk.connect())


def login_waits(desk):
    client = desk.connect()
    desk.run("login_waits", 2000.0)
    assert client.end() == "reset"
    assert desk.refused()
    assert eventually(lambda: not desk.refused(), 15)


def resets(desk, name, last, faster=20.0):
    client = desk.connect()
    data(client)
    client.until(1)
    desk.run(name, faster)
    seen = codes_until(client, last)
    assert seen.count(1100) >= 2
    assert set(seen) == {1100, last}
    return client


def nightly_reset(desk):
    assert resets(desk, "nightly_reset", 1102).until(1)


def weekend_reset(desk):
    assert resets(desk, "weekend_reset", 1102, 20_000.0).until(1)


def nightly_reset_data_lost(desk):
    client = resets(desk, "nightly_reset_data_lost", 1101)
    assert client.falls_silent()
    data(client, 10)
    assert client.until(1)[2] == "10"


def dead_after_1102(desk):
    client = resets(desk, "dead_after_1102", 1102)
    assert client.falls_silent()
    data(client, 10)
    assert client.until(1)[2] == "10"


def link_broken(desk):
    client = desk.connect()
    desk.run("link_broken")
    assert codes_until(client, 1102) == [2110, 1102]


def option_farm_flap(desk):
    client = desk.connect()
    data(client, 1)
    data(client, 2, OPTION)
    while client.until(21)[1] != "2":
        pass
    desk.run("option_farm_flap", 40.0)
    assert code(client) == 2103
    stock_only = {client.next()[2] for _ in range(5)}
    assert stock_only == {"1"}
    assert code(client) == 2104
    while client.next()[1:3].count("2") == 0:
        pass


def usfarm_down(desk):
    desk.run("usfarm_down")
    client = desk.connect()
    assert "2103" in [frame[3] for frame in client.seen if frame[0] == "4"]
    data(client)
    assert time_of(client)
    assert client.falls_silent()


def history_farm_flap(desk):
    client = desk.connect()
    desk.run("history_farm_flap")
    assert code(client) == 2105
    client.send(20, 7, *SPY, *HISTORY)
    assert codes_until(client, 2106)[-1] == 2106
    client.send(20, 8, *SPY, *HISTORY)
    assert client.until(17)[1] == "8"


def definition_farm_flap(desk):
    client = desk.connect()
    desk.run("definition_farm_flap", 60.0)
    assert code(client) == 2157
    client.send(9, 8, 7, *SPY, 0, "", "", "")
    assert codes_until(client, 2158) == [200, 2158]
    client.send(9, 8, 8, *SPY, 0, "", "", "")
    assert client.until(10)[1] == "8"


def idle_farms(desk):
    client = desk.connect()
    desk.run("idle_farms")
    assert sorted([code(client), code(client)]) == [2107, 2108]
    data(client, 3, FUTURE)
    assert code(client) == 2104
    assert client.until(1)[2] == "3"


def farms_come_late(desk):
    desk.run("farms_come_late", 90.0)
    client = RawClient(desk.tws.port)
    desk._clients.append(client)
    data(client, 3)
    seen = [client.until(4)[3] for _ in range(10)]
    assert seen[:5] == ["2119"] * 5
    assert seen[5:] == ["2104", "2104", "2104", "2106", "2158"]
    assert client.silent()
    data(client, 4)
    assert client.until(1)[2] == "4"


def drops(desk, name):
    client = desk.connect()
    desk.run(name, 1000.0 if name == "refuse_at_1030" else 80.0)
    assert client.end() == "reset"
    assert desk.refused()
    assert eventually(lambda: not desk.refused(), 15)


def stuck_acceptor(desk):
    client = desk.connect()
    desk.run("stuck_acceptor", 1.0)
    with ExitStack() as held:
        with pytest.raises(TimeoutError):
            fill_the_queue(desk.tws.port, held)
        assert time_of(client)


def fill_the_queue(port, held):
    for _ in range(20):
        held.enter_context(socket.create_connection(("127.0.0.1", port), timeout=0.5))


def half_closed(desk):
    client = desk.connect()
    desk.run("half_closed")
    assert client.end() == "closed"
    before = desk.tws.stats.messages_received
    client.send(49, 1)
    assert eventually(lambda: desk.tws.stats.messages_received > before)


def close_wait(desk):
    import psutil

    desk.run("close_wait")
    client = desk.connect(7)
    client.close()
    ours = psutil.Process()
    port = desk.tws.port
    assert eventually(
        lambda: any(each.status == "CLOSE_WAIT" and each.laddr.port == port for each in ours.net_connections("tcp"))
    )
    again = desk.connect(7, start=False)
    again.next()
    again.send(71, 2, 7, "")
    assert again.error()[1] == 326


def mutes(desk, name):
    desk.run(name)
    client = desk.connect(start=False)
    if name != "mute":
        assert client.next()[0] == "178"
        client.send(71, 2, 5, "")
    if name == "mute_after_start":
        while client.until(4)[3] != "2158":
            pass
        client.send(49, 1)
    assert client.silent()


def client_ids_in_use(desk):
    desk.run("client_ids_in_use")
    client = desk.connect(10, start=False)
    client.next()
    client.send(71, 2, 10, "")
    assert code(client) == 326


def no_account(desk):
    desk.run("no_account")
    client = desk.connect(start=False)
    client.next()
    client.send(71, 2, 5, "")
    assert client.next() == ["15", "1", ""]


def proxy_without_tws(desk):
    desk.run("proxy_without_tws")
    assert desk.connect(start=False).gone()


def competing_session(desk):
    client = desk.connect()
    data(client, 1)
    data(client, 2)
    client.until(1)
    desk.run("competing_session", 400.0)
    told = [client.until(4) for _ in range(2)]
    assert [(fields[2], fields[3]) for fields in told] == [("1", "10197"), ("2", "10197")]
    client.send(20, 7, *SPY, *HISTORY)
    fields = client.until(4)
    assert fields[2:4] == ["7", "162"]
    assert "different IP address" in fields[4]
    assert client.until(2, 10)


def no_data(desk, name, expected, symbol="SPY"):
    desk.run(name)
    client = desk.connect()
    data(client, 9, (0, symbol, "STK", "", "0.0", "", "", "SMART", "", "USD", "", ""))
    assert code(client) == expected


def delayed_not_enabled(desk):
    desk.run("delayed_not_enabled")
    client = desk.connect()
    client.send(59, 1, 3)
    data(client)
    assert code(client) == 10168


def endless_snapshots(desk):
    desk.run("endless_snapshots")
    client = desk.connect()
    data(client, snapshot=1)
    with pytest.raises(TimeoutError):
        client.until(57, 0.5)
    assert desk.tws.stats.lines == 1


def option_values(desk, name):
    """Of one option after the other: all that it says."""
    desk.run(name)
    client = desk.connect()
    client.send(9, 8, 7, 0, "SPY", "OPT", "20270115", "0.0", "", "", "SMART", "", "USD", "", "", 0, "", "", "")
    found = []
    while (fields := client.next())[0] != "52":
        if fields[0] == "10":
            found.append(fields)
    strikes = sorted({(float(fields[5]), fields[6]) for fields in found})
    for request, (strike, right) in enumerate(strikes, 1000):
        data(client, request, (0, "SPY", "OPT", "20270115", strike, right, "100", "SMART", "", "USD", "", ""))
        client.send(49, 1)
        values = set()
        while (fields := client.next())[0] != "49":
            if fields[0] in ("1", "21"):
                values.update(text.lower() for text in fields[3:])
        yield values
        client.send(2, 2, request)


def broken(desk, name, value, many=25):
    values = list(islice(option_values(desk, name), many))
    assert any(value in each for each in values)
    assert any(each and value not in each for each in values)


def silent_contracts(desk):
    values = list(islice(option_values(desk, "silent_contracts"), 100))
    assert any(not each for each in values)
    assert sum(bool(each) for each in values) > 80


def error_flood(desk):
    client = desk.connect()
    desk.run("error_flood", 10.0)
    assert eventually(lambda: desk.tws.stats.errors[300] > 200)
    assert code(client) == 300


def clock_skew(desk):
    desk.run("clock_skew")
    assert time_of(desk.connect()) == pytest.approx(desk.tws.server.epoch() - 95, abs=2)


def slow_drip(desk):
    client = desk.connect()
    desk.run("slow_drip", 1.0)
    client.send(49, 1)
    client.socket.settimeout(5)
    pieces = [client.socket.recv(100) for _ in range(5)]
    assert len(pieces[0]) == 1
    assert sum(len(piece) for piece in pieces) < 15  # the whole frame has 19


def garbage(desk, name, start, ends=False):
    client = desk.connect()
    desk.run(name)
    client.socket.settimeout(3)
    assert client.socket.recv(1000)[: len(start)] == start
    assert client.gone(0.3) is ends
    RawClient(desk.tws.port, client_id=9).close()


EXPECTED = {
    "absurd_length": lambda desk: garbage(desk, "absurd_length", b"\x7f\xff\xff\xff"),
    "bad_morning": bad_morning,
    "bad_utf8": lambda desk: bad_utf8(desk),
    "broken_fields": lambda desk: broken(desk, "broken_fields", "1.7976931348623157e+308", 100),
    "client_ids_in_use": client_ids_in_use,
    "clock_skew": clock_skew,
    "close_wait": close_wait,
    "competing_session": competing_session,
    "daily_restart": daily_restart,
    "dead_after_1102": dead_after_1102,
    "definition_farm_flap": definition_farm_flap,
    "delayed_not_enabled": delayed_not_enabled,
    "drop_at_1005": lambda desk: drops(desk, "drop_at_1005"),
    "endless_snapshots": endless_snapshots,
    "error_flood": error_flood,
    "farms_come_late": farms_come_late,
    "farms_flap_after_restart": farms_flap_after_restart,
    "garbage": lambda desk: garbage(desk, "garbage", b"\x80\x81\x82"),
    "half_closed": half_closed,
    "history_farm_flap": history_farm_flap,
    "idle_farms": idle_farms,
    "ids_occupied_after_restart": ids_occupied_after_restart,
    "link_broken": link_broken,
    "login_answered": login_answered,
    "login_at_next_restart": lambda desk: needs_a_login(desk, "login_at_next_restart"),
    "login_never_answered": login_never_answered,
    "login_waits": login_waits,
    "minus_one_quotes": lambda desk: broken(desk, "minus_one_quotes", "-1.0"),
    "mute": lambda desk: mutes(desk, "mute"),
    "mute_after_handshake": lambda desk: mutes(desk, "mute_after_handshake"),
    "mute_after_restart": mute_after_restart,
    "mute_after_start": lambda desk: mutes(desk, "mute_after_start"),
    "nan_fields": lambda desk: broken(desk, "nan_fields", "nan"),
    "nightly_reset": nightly_reset,
    "nightly_reset_data_lost": nightly_reset_data_lost,
    "no_account": no_account,
    "no_option_subscription": lambda desk: no_data(desk, "no_option_subscription", 10089, "IWM"),
    "no_subscription": lambda desk: no_data(desk, "no_subscription", 354),
    "option_farm_flap": option_farm_flap,
    "orders_lost_in_flight": orders_lost_in_flight,
    "positions_change_while_away": positions_change_while_away,
    "proxy_without_tws": proxy_without_tws,
    "refuse_at_1030": lambda desk: drops(desk, "refuse_at_1030"),
    "reset_after_restart": reset_after_restart,
    "restart_comes_early": lambda desk: restarts_and_is_well(desk, "restart_comes_early"),
    "restart_during_preparation": restart_during_preparation,
    "restart_mid_order": restart_mid_order,
    "restart_never_comes": restart_never_comes,
    "restart_never_ends": restart_never_ends,
    "restart_twice": restart_twice,
    "silent_contracts": silent_contracts,
    "slow_drip": slow_drip,
    "stuck_acceptor": stuck_acceptor,
    "truncated_frame": lambda desk: garbage(desk, "truncated_frame", b"\0\0\0", ends=True),
    "usfarm_down": usfarm_down,
    "unknown_message": lambda desk: unknown_message(desk),
    "volatility_pause": lambda desk: volatility_pause(desk),
    "weekend_reset": weekend_reset,
    "weekly_login": lambda desk: needs_a_login(desk, "weekly_login"),
    "wrong_length": lambda desk: garbage(desk, "wrong_length", b"\0\0\0\x0a4\x002\0"),
}


def bad_utf8(desk):
    client = desk.connect()
    desk.run("bad_utf8")
    with pytest.raises(UnicodeDecodeError):
        client.next()


def volatility_pause(desk):
    client = desk.connect()
    data(client)
    assert client.until(45)[2:5] == ["9", "49", "0.0"]
    desk.run("volatility_pause")
    assert client.until(45)[2:5] == ["9", "49", "2.0"]
    assert client.until(45)[2:5] == ["9", "49", "0.0"]


def unknown_message(desk):
    client = desk.connect()
    desk.run("unknown_message")
    assert client.next() == ["999", "1", "never heard of"]
    assert time_of(client)


@pytest.mark.integration
@pytest.mark.parametrize("name", names())
def test_a_shipped_scenario_does_to_a_client_what_it_says(desk, name):
    EXPECTED[name](desk)


@pytest.mark.parametrize("name", names())
def test_a_shipped_scenario_says_what_it_imitates_and_its_source(name):
    text = (FOLDER / f"{name}.yaml").read_text(encoding="utf-8")
    assert text.startswith("imitates: ")
    scenario = Scenario.load(Path(name))
    assert len(scenario.imitates) > 20
    assert len(scenario.source) > 10
    assert scenario.events


def test_every_expectation_has_its_scenario():
    assert EXPECTED.keys() == set(names())


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("events: 5", "events: missing"),
        ("source: me\nevnts: []", "events: missing"),
        ("imitate: x\nevents: []", "imitate: unknown; allowed: imitates, source, events"),
        ("events:\n- {fault: restart, value: {refuse_seconds: 3}}",
         "events[0].value.refuse_seconds: 3; allowed: refused_seconds, mute_seconds, "),
        ("events:\n- {fault: restart, value: {mute_seconds: soon}}",
         "events[0].value.mute_seconds: 'soon'; allowed: seconds from 0"),
        ("events:\n- {fault: restart, value: 75}", "events[0].value: 75; allowed: true, or a mapping of refused_"),
        ("events:\n- {fault: server_reset, value: {data_lost: 1}}", "events[0].value.data_lost: 1; allowed: true or"),
        ("events:\n- {fault: farms_down, value: [venus]}", "events[0].value: ['venus']; allowed: a list of usfarm"),
        ("events:\n- {fault: garbage}", "events[0].value: True; allowed: bytes, absurd_length"),
        ("events:\n- {fault: error_flood, value: .nan}", "events[0].value: nan; allowed: a number from 0"),
        ("events:\n- {fault: no_subscription, value: {SPY: 7}}", "to 354, 10089 or 10168"),
        ("events:\n- {1: 2}", "events[0].1: unknown"),
        ("events: [", "expected"),
    ],
)  # fmt: skip
def test_a_wrong_file_is_refused_by_file_key_and_what_is_allowed(tmp_path, text, complaint):
    path = tmp_path / "mine.yaml"
    path.write_text(text)
    with pytest.raises(ScenarioError) as caught:
        Scenario.load(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert complaint in str(caught.value)


def test_the_command_line_lists_them_with_what_they_imitate(capsys):
    from v6.simulator.__main__ import main

    assert main(["--scenarios"]) == 0
    told = capsys.readouterr().out
    for name in names():
        assert f"{name}\n    {Scenario.load(Path(name)).imitates}\n    source: " in told
