"""A process whose children open ledgers and die on the way.

For each line "N PATH" on standard input, a child opens PATH and is killed by SIGKILL before its Nth SQL statement. The
parent prints "killed", or "opened" where there were fewer.
"""

import os
import signal
import sys
from itertools import count
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, event

from tradai_lifecycle.store import Ledger


def open_and_die(fatal: int, path: Path) -> None:
    statements = count(1)

    def die_at_the_fatal_one(*_: Any) -> None:
        if next(statements) == fatal:
            os.kill(os.getpid(), signal.SIGKILL)

    event.listen(Engine, "before_cursor_execute", die_at_the_fatal_one)
    Ledger(path).open()


def main() -> None:
    for line in sys.stdin:
        fatal, _, path = line.rstrip("\n").partition(" ")
        child = os.fork()
        if child == 0:
            open_and_die(int(fatal), Path(path))
            os._exit(0)
        _, status = os.waitpid(child, 0)
        os.write(1, b"killed\n" if os.WIFSIGNALED(status) else b"opened\n")


if __name__ == "__main__":
    main()
