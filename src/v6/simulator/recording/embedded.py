"""A recording's client played again, over real sockets, to a simulator that stands at the recorded time."""

import asyncio
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

from v6.simulator.instruments.listings import Spec
from v6.simulator.options import DEFAULT_ACCOUNT, Options
from v6.simulator.recording.file import FROM_TWS, TO_TWS, Conversation, Message, Recording
from v6.simulator.recording.grammar import Walk, number, walk
from v6.simulator.recording.layouts import ANSWERS, REQUESTS
from v6.simulator.recording.threads import Answer, Threads, message_id
from v6.simulator.server import Server
from v6.simulator.wire import frame

OLDEST = 157
MOST_ACCOUNTS = 50
QUIET = 0.15
Awaited = tuple[int, int, int | None]


class Player:
    """One connection of the recording on a socket of its own; what it hears is kept in order."""

    def __init__(self, conversation: Conversation, numbers: dict[str, str]) -> None:
        self.conversation, self._con_ids = conversation, numbers
        self.heard: list[Message] = []
        self.handshake: tuple[str, ...] = ()
        self._threads = Threads(conversation.number, conversation.version)
        self._seen: set[Awaited] = set()
        self.changed = asyncio.Event()
        self.ended = False

    async def connect(self, port: int) -> None:
        """Raises OSError, asyncio.IncompleteReadError."""
        self._reader, self._writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 24)
        offer = f"v{OLDEST}..{self.conversation.version}".encode()
        self._writer.write(b"API\0" + len(offer).to_bytes(4, "big") + offer)
        self.handshake = await _frame(self._reader)
        self._listener = asyncio.ensure_future(self._listen())

    async def _listen(self) -> None:
        try:
            while True:
                fields = await _frame(self._reader)
                self.heard.append(Message(0.0, self.conversation.number, FROM_TWS, fields))
                self._seen.add(awaited(self._threads.answer(fields)))
                self.changed.set()
        except (asyncio.IncompleteReadError, ConnectionError):
            self.ended = True
            self.changed.set()

    async def send(self, fields: tuple[str, ...]) -> None:
        ours = self._with_our_con_ids(fields)
        self._threads.ask(ours)
        self.heard.append(Message(0.0, self.conversation.number, TO_TWS, ours))
        self._writer.write(frame(*ours))
        try:
            await self._writer.drain()
        except ConnectionError:
            self.ended = True

    def _with_our_con_ids(self, fields: tuple[str, ...]) -> tuple[str, ...]:
        layout = REQUESTS.get(message_id(fields))
        if layout is None:
            return fields
        walked = walk(layout, fields[1:], self.conversation.version)
        changed = [self._con_ids.get(each.value, each.value) if each.name.endswith("con_id") else each.value
                   for each in walked.fields]  # fmt: skip
        return fields if walked.short else (fields[0], *changed, *walked.left)

    async def wait_for(self, wanted: set[Awaited], seconds: float) -> set[Awaited]:
        """Until all of them were heard, or that long; gives those that did not come."""
        end = asyncio.get_running_loop().time() + seconds
        while (missing := wanted - self._seen) and not self.ended:
            self.changed.clear()
            try:
                await asyncio.wait_for(self.changed.wait(), max(end - asyncio.get_running_loop().time(), 0.0))
            except TimeoutError:
                break
        return missing

    async def close(self) -> None:
        self._writer.close()
        self._listener.cancel()
        await asyncio.gather(self._listener, return_exceptions=True)


def awaited(answer: Answer) -> Awaited:
    return answer.connection, answer.kind, answer.asked.place if answer.asked else None


async def play(recording: Recording, calendar: Path | None, patience: float) -> list[tuple[Conversation, Player]]:
    """Every conversation with what our simulator said. `patience`: seconds to wait for an answer that was recorded.

    Raises ValueError (an account list no simulator can have), OSError.
    """
    server = Server(options(recording, calendar))
    port = await server.start()
    players: dict[int, Player] = {}
    numbers = our_con_ids(recording, server)
    try:
        for conversation in recording.conversations:
            player = players[conversation.number] = Player(conversation, numbers)
            await player.connect(port)
        await _replay(recording, server, players, patience)
        await asyncio.sleep(QUIET)
    finally:
        for player in players.values():
            if player.handshake:
                await player.close()
        await server.stop()
    return [(conversation, players[conversation.number]) for conversation in recording.conversations]


async def _replay(recording: Recording, server: Server, players: dict[int, Player], patience: float) -> None:
    """Requests in their recorded order; before each, every kind of answer that had come by then has come again."""
    threads = {talk.number: Threads(talk.number, talk.version) for talk in recording.conversations}
    wanted: dict[int, set[Awaited]] = {number: set() for number in threads}
    given_up: set[tuple[int, str]] = set()
    for message in _in_order(recording):
        thread, player = threads[message.connection], players[message.connection]
        if message.direction == FROM_TWS:
            answer = thread.answer(message.fields)
            if (answer.kind, answer.asked_name) not in given_up:
                wanted[message.connection].add(awaited(answer))
            continue
        await _settle(player, wanted[message.connection], thread, given_up, patience)
        server.time.step_to(recording.date + timedelta(seconds=message.at))
        thread.ask(message.fields)
        await player.send(message.fields)
    for connection, player in players.items():
        await _settle(player, wanted[connection], threads[connection], given_up, patience)


async def _settle(player: Player, wanted: set[Awaited], thread: Threads, given_up: set[tuple[int, str]],
                  patience: float) -> None:  # fmt: skip
    missing = await player.wait_for(wanted, patience)
    given_up |= {(kind, thread.name_at(place)) for _, kind, place in missing}
    wanted.clear()


def _in_order(recording: Recording) -> Iterator[Message]:
    every = [message for talk in recording.conversations for message in talk.messages]
    yield from sorted(every, key=lambda message: message.at)


def options(recording: Recording, calendar: Path | None) -> Options:
    """A fast simulator at the recorded time with the recorded accounts."""
    accounts = [account for talk in recording.conversations for message in talk.messages
                if message.direction == FROM_TWS and message.fields[0] == "15" and len(message.fields) == 3
                for account in message.fields[2].split(",") if account]  # fmt: skip
    chosen = tuple(dict.fromkeys(accounts))[:MOST_ACCOUNTS] or (DEFAULT_ACCOUNT,)
    return Options(port=0, accounts=chosen, calendar=calendar, start_at=recording.date).fast()


def our_con_ids(recording: Recording, server: Server) -> dict[str, str]:
    """Contract ids of options and futures that clients ask for -> the simulator's, by their recorded descriptions."""
    found: dict[str, str] = {}
    today = server.now().date()
    for talk in recording.conversations:
        asked = {value for message in talk.messages if message.direction == TO_TWS
                 for value in _con_ids(REQUESTS, message, talk.version)}  # fmt: skip
        for message in talk.messages:
            if message.direction == FROM_TWS and (asked - found.keys()) & _con_ids(ANSWERS, message, talk.version):
                walked = walk(ANSWERS[message_id(message.fields)], message.fields[1:], talk.version)
                listings = server.contracts.find(_described(walked), today)
                if len(listings) == 1:
                    found[walked.value("con_id")] = str(listings[0].con_id)
    return found


def _con_ids(layouts: dict[int, str], message: Message, version: int) -> set[str]:
    layout = layouts.get(message_id(message.fields), "")
    if "con_id" not in layout:
        return set()
    walked = walk(layout, message.fields[1:], version)
    return {each.value for each in walked.fields if each.name == "con_id" and each.value not in ("", "0")}


def _described(walked: Walk) -> Spec:
    """The option or future of a recorded message; nothing fits it when it is neither."""
    sec_type, expiry = walked.value("sec_type"), walked.value("expiry") or walked.value("last_trade")
    if sec_type not in ("OPT", "FUT") or not expiry:
        return Spec(symbol="no option and no future")
    return Spec(symbol=walked.value("symbol"), sec_type=sec_type, expiry=expiry[:8],
                strike=number(walked.value("strike")), right=walked.value("right") if sec_type == "OPT" else "",
                trading_class=walked.value("trading_class"))  # fmt: skip


async def _frame(reader: asyncio.StreamReader) -> tuple[str, ...]:
    """The fields of the next frame. Raises asyncio.IncompleteReadError, ConnectionError."""
    length = int.from_bytes(await reader.readexactly(4), "big")
    payload = await reader.readexactly(length)
    return tuple(payload.decode(errors="backslashreplace").removesuffix("\0").split("\0"))
