"""freqtrade without its chatter, for whoever steps it on a person's terminal."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def quiet() -> Iterator[None]:
    """Keep freqtrade's start-up chatter off the terminal; warnings stay."""
    before = logging.root.manager.disable
    logging.disable(logging.INFO)
    try:
        yield
    finally:
        logging.disable(before)


__all__ = ["quiet"]
