"""A freqtrade bot's machine-learning model with a life: registered, gated, watched, swapped, rolled back."""

from importlib.metadata import PackageNotFoundError, version

try:
    __version__ = version("tradai-lifecycle")
except PackageNotFoundError:  # run from a source tree that was never installed
    __version__ = "0+unknown"

__all__ = ["__version__"]
