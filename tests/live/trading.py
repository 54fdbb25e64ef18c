"""`freqtrade trade` as a person or a service manager runs it: a process of its own, on the real clock."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.live.workshop import Workshop

#: What freqtrade exits with when it was told to end.
ENDED = 130
PATIENCE_SECONDS = 90.0


@contextmanager
def trading(workshop: Workshop, environment: Mapping[str, str] | None = None) -> Iterator[Path]:
    """A bot on the workshop's configuration; gives its log. Ends it as a service manager does, and it must end so.

    freqtrade writes to its database while it starts and after a reload, and a signal in the middle of that write is
    logged as an error of freqtrade's own. So the end waits for the bot's first heartbeat in its state.
    """
    log = workshop.root / "bot.log"
    command = [str(Path(sys.executable).parent / "freqtrade"), "trade", "-c", str(workshop.config_file)]
    with log.open("w", encoding="utf-8") as output:
        bot = subprocess.Popen(command, cwd=workshop.root, stdout=output, stderr=subprocess.STDOUT, env=environment)
        try:
            yield log
            wait_for(lambda: "Bot heartbeat." in words(log).rpartition("Changing state")[2], log)
            os.kill(bot.pid, signal.SIGTERM)
            assert bot.wait(timeout=60) == ENDED, log.read_text(encoding="utf-8")
        finally:
            bot.kill()
            bot.wait()


def wait_for(condition: Callable[[], bool], log: Path) -> None:
    """Until it holds; if it never does, shows the log."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, log.read_text(encoding="utf-8")
        time.sleep(0.2)


def words(log: Path) -> str:
    """What a bot logged, without the line breaks its terminal puts in."""
    return " ".join(log.read_text(encoding="utf-8").split())
