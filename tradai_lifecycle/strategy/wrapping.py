"""Puts the gate round the strategy's callbacks, its own and the user's, once per call however deep `super()` goes."""

import functools
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from inspect import signature
from typing import Any

from freqtrade.strategy import IStrategy

Method = Callable[..., Any]
Guard = Callable[[Any, Method, dict[str, Any]], Any]

_WRAPPED = "__tradai_wrapped__"
_running: ContextVar[frozenset[str]] = ContextVar("tradai_running_callbacks", default=frozenset())


def wrap(function: Method, guard: Guard, name: str) -> Method:
    """`function`, the callback `name`, with `guard` round its outermost call.

    The guard is called as guard(strategy, call, arguments): `call()` runs the strategy's own code, `arguments` are
    those of freqtrade by name. A user's override that calls `super()` reaches its parent without a second guard, so
    that a stake is never cut twice.
    """
    if getattr(function, _WRAPPED, False):
        return function
    parameters = signature(getattr(IStrategy, name))

    @functools.wraps(function)
    def wrapper(self: Any, *args: Any, **kwargs: Any) -> Any:
        """What the guard answers; inside another call of the same callback, what the function itself does."""
        if _is_running(name):
            return function(self, *args, **kwargs)
        arguments = dict(kwargs)
        if args:
            arguments.update(zip(list(parameters.parameters)[1:], args, strict=False))
        with _outermost(name):
            return guard(self, functools.partial(function, self, *args, **kwargs), arguments)

    setattr(wrapper, _WRAPPED, True)
    return wrapper


def wrap_class(cls: type, guards: dict[str, Guard]) -> None:
    """Wrap every method of `guards` that `cls` defines, or takes from a base class that knows nothing of the gate."""
    for name, guard in guards.items():
        function = getattr(cls, name, None)
        # freqtrade's own defaults stay as they are: it asks for less where a callback is not overridden
        if callable(function) and function is not getattr(IStrategy, name, None):
            setattr(cls, name, wrap(function, guard, name))


def spare_trade_copies(cls: type, names: Iterable[str]) -> None:
    """Let freqtrade hand its trade itself, not a deep copy, to these callbacks of `cls`.

    freqtrade copies the trade for every callback that is not its own by qualified name, which doubles the time of a
    backtest that trades often. Only for callbacks that change nothing of the trade; a user's override has its own name.
    """
    for name in names:
        getattr(cls, name).__qualname__ = f"{IStrategy.__name__}.{name}"


# The wrapper must not name the context variable itself: hyperopt pickles wrappers by value with the globals they use.
def _is_running(name: str) -> bool:
    return name in _running.get()


@contextmanager
def _outermost(name: str) -> Iterator[None]:
    token = _running.set(_running.get() | {name})
    try:
        yield
    finally:
        _running.reset(token)


__all__ = ["Guard", "spare_trade_copies", "wrap", "wrap_class"]
