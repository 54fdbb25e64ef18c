"""A process of its own that writes into a ledger, for the tests beside it: `writer.py once|loop|batches PATH`.

`loop` and `batches` fork a child per line on standard input, which writes until it is killed and prints each thing
after it was recorded; the parent prints "reaped" when the child is gone.
"""

import os
import sys
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

import numpy as np

from tradai_lifecycle.states import OperatorAction, Reason, Severity, TradingState
from tradai_lifecycle.store import Ledger, PredictionRecord, StateRecord

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
PAIRS = tuple(f"P{index}/USDT" for index in range(20))


def say(text: object) -> None:
    os.write(1, f"{text}\n".encode())


def write_operator(ledger: Ledger, note: str) -> int:
    return ledger.record_operator(action=OperatorAction.PAUSE, who="writer", note=note, at=NOON).sequence


def write_batch(ledger: Ledger, index: int) -> None:
    candle = NOON + timedelta(minutes=5 * index)
    states = [
        StateRecord(
            pair=pair,
            candle=candle,
            version="15",
            severity=Severity.NONE,
            state=TradingState.ACTIVE,
            effective=TradingState.ACTIVE,
            reasons=Reason.NONE,
            stake_ratio=1.0,
            psi_max=0.0,
            significant_ratio=0.0,
            accuracy=0.6,
            effective_predictions=100.0,
        )
        for pair in PAIRS
    ]
    predictions = [
        PredictionRecord(
            pair=pair,
            candle=candle,
            version="15",
            features=np.full(50, float(index)),
            prediction=0.1,
            do_predict=1,
            effective=TradingState.ACTIVE,
        )
        for pair in PAIRS
    ]
    ledger.record_batch(version="15", candle=candle, at=candle, states=states, predictions=predictions)


def write_until_killed(mode: str, path: Path, start: str) -> None:
    ledger = Ledger(path)
    ledger.open()
    say(os.getpid())
    for index in count(int(start)):
        if mode == "loop":
            say(write_operator(ledger, str(index)))
        else:
            write_batch(ledger, index)
            say(index)


def main(mode: str, path: Path) -> None:
    if mode == "once":
        ledger = Ledger(path)
        ledger.open()
        say(write_operator(ledger, "from another process"))
        ledger.close()
        return
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            write_until_killed(mode, path, line)
        os.waitpid(child, 0)
        say("reaped")


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
