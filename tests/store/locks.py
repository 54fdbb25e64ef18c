"""A database that another process keeps locked: `locks.py PATH` holds the lock until its standard input ends."""

import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def locked_elsewhere(path: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process has begun to write and does not end, until the block does or its standard input is closed."""
    with subprocess.Popen(
        [sys.executable, __file__, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin
        assert process.stdout
        assert process.stdout.readline() == "locked\n"
        yield process
        process.stdin.close()
        assert process.wait(30) == 0


def release(process: subprocess.Popen[str]) -> None:
    """Let the process of `locked_elsewhere` give its lock back, and wait until it has."""
    assert process.stdin
    process.stdin.close()
    assert process.wait(30) == 0


def main(path: str) -> None:
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("BEGIN IMMEDIATE")
    sys.stdout.write("locked\n")
    sys.stdout.flush()
    sys.stdin.read()
    connection.execute("ROLLBACK")
    connection.close()


if __name__ == "__main__":
    main(sys.argv[1])
