"""What a registry that never answers costs a running bot."""

import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from benchmarks.rows import Bound, Row
from benchmarks.stepped import BotProcess, bot_process
from benchmarks.surroundings import TRAINED_CANDLES, surroundings
from benchmarks.timing import Paired, taken_in_turns

CANDLES, IDLE_LOOPS, WARM_UP = 150, 4, 5
FIRST_CANDLE = TRAINED_CANDLES + 100
POLL_SECONDS = 0.2


def rows() -> list[Row]:
    """Two bots take turns on equal candles: one asks a black hole, the other a directory that answers."""
    place = surroundings().another("outage")
    with bot_process(place, "Watched", FIRST_CANDLE - 2, poll_interval_seconds=86_400) as bot:
        bot.new_candle()
        bot.poll_and_wait()  # notes the model in charge, so that the next start finds it in the cache
    with ExitStack() as stack:
        address, connections = stack.enter_context(black_hole())
        answered = stack.enter_context(
            bot_process(place.another("outage-answered"), "Watched", FIRST_CANDLE, poll_interval_seconds=POLL_SECONDS)
        )
        silent = stack.enter_context(
            bot_process(place, "Watched", FIRST_CANDLE, poll_interval_seconds=POLL_SECONDS, registry_uri=address)
        )
        candles, idle = _in_turns(answered, silent)
        known = {
            "polls_answered": answered.polls(),
            "polls_black_holed": silent.polls(),
            "connections_to_the_black_hole": len(connections),
            "trades": [answered.trades(), silent.trades()],
        }
    assert connections, "the black hole was never asked"
    assert known["trades"][0] == known["trades"][1], "the two bots traded differently"
    return [_row("new candles", candles, known), _row("idle loops", idle, known)]


def _in_turns(answered: BotProcess, silent: BotProcess) -> tuple[Paired, Paired]:
    taken_in_turns(answered.new_candle, silent.new_candle, WARM_UP)
    candles, idle = [], []
    for turn in range(CANDLES):
        pair = (answered, silent) if turn % 2 else (silent, answered)
        candles.append({bot: bot.new_candle() for bot in pair})
        idle += [{bot: bot.idle() for bot in pair} for _ in range(IDLE_LOOPS)]
    return tuple(
        Paired.of([took[answered] for took in times], [took[silent] for took in times]) for times in (candles, idle)
    )


def _row(what: str, paired: Paired, known: dict[str, object]) -> Row:
    return Row(
        name=f"loop time with a black-holed registry / with a directory, {what}",
        figure=paired.ratio,
        unit="x",
        digits=3,
        bound=Bound(most=1.05),
        measured=f"two stepped bots in turns, median of {paired.turns}; {1e3 * paired.base:.1f} ms answered, "
        f"{1e3 * paired.other:.1f} ms black-holed; {known['polls_answered']} polls answered, "
        f"{known['connections_to_the_black_hole']} connections swallowed for up to 10 s each",
        details={"answered_ms": 1e3 * paired.base, "black_holed_ms": 1e3 * paired.other, **known},
    )


@contextmanager
def black_hole() -> Iterator[tuple[str, list[socket.socket]]]:
    """The address of a server that accepts and never answers, and the connections it swallowed."""
    connections: list[socket.socket] = []
    listener = socket.create_server(("127.0.0.1", 0), backlog=64)

    def swallow() -> None:
        while True:
            try:
                connections.append(listener.accept()[0])
            except OSError:  # closed
                return

    thread = threading.Thread(target=swallow, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}", connections
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()
        for connection in connections:
            connection.close()


__all__ = ["black_hole", "rows"]
