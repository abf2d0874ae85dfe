"""Answers about accounts, collected from a raw client, and trades booked behind the clients' backs."""

from v6.simulator.instruments.listings import Spec
from v6.simulator.market.hours import new_york_date


def listing(tws, **spec):
    """The one contract that fits."""
    server = tws.server
    (found,) = server.contracts.find(Spec(**spec), new_york_date(server.epoch()))
    return found


def trade(tws, quantity, price, *, con_id=756733, account="DU9000001", model="", commission=1.0):
    """Book a trade of a signed quantity as if an order had been filled."""
    server = tws.server
    traded = listing(tws, con_id=con_id)
    tws._call(lambda: server.books.fill(account, model, traded, quantity, price, commission, server.epoch()))


FARMS = ("2104", "2106", "2158")


def until_end(client, kind):
    """The frames from now until the one of that kind, without those about farms."""
    before = len(client.seen)
    client.until(kind)
    return [frame for frame in client.seen[before:] if frame[0] != "4" or frame[3] not in FARMS]


def rows(frames, kind, first):
    """Key and currency -> value of account values (6), summaries (63) or multi updates (73) among the frames."""
    return {(f[first], f[first + 2]): f[first + 1] for f in frames if f[0] == str(kind)}
