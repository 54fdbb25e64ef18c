"""The freqtrade edge: the mixin that a strategy inherits."""

from tradai_lifecycle.strategy.mixin import ModelLifecycleMixin

__all__ = ["ModelLifecycleMixin"]
