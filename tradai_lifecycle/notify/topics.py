"""What is wrong, by name: an acknowledgement mutes by these names, and what was told is remembered by them."""

from tradai_lifecycle.states import Reason

_DRIFT = Reason.PSI_MODERATE | Reason.PSI_SIGNIFICANT
_RECOVERY = Reason.RECOVERING | Reason.ADOPTED_WHILE_PAUSED


def topics_of(reasons: Reason) -> frozenset[str]:
    """The names of these reasons: both limits of drift are one topic, as are recovery and its like."""
    named = {(flag.name or "").lower() for flag in reasons & ~_DRIFT & ~_RECOVERY}
    named |= {"drift"} if reasons & _DRIFT else set()
    return frozenset(named | ({"recovery"} if reasons & _RECOVERY else set()))


__all__ = ["topics_of"]
