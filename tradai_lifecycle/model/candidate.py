"""What a loaded model must show before it may take over: it fits the strategy, and it still computes what it did."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import zip_longest

import numpy as np
from numpy.typing import NDArray

from tradai_lifecycle.model.artefact import installed_libraries
from tradai_lifecycle.model.bundle import ModelBundle, ModelOutputError
from tradai_lifecycle.states import CandidateOutcome

#: How close the golden sample must be met: the same libraries on another processor differ by less, other trees by more.
GOLDEN_RELATIVE_TOLERANCE = 1e-9
GOLDEN_ABSOLUTE_TOLERANCE = 1e-12
#: Share of candles with an entry below which a model counts as silent.
SILENT_ENTRY_RATE = 1e-9

Finding = tuple[CandidateOutcome, str]
EntryRate = Callable[[ModelBundle], float | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectations:
    """What the running strategy needs of any model. `entry_rate_band` is the allowed factor either way, at least 1."""

    feature_names: tuple[str, ...]
    horizon_candles: int
    timeframe: str
    window_candles: int
    entry_rate_band: float


def check_candidate(
    bundle: ModelBundle,
    expectations: Expectations,
    *,
    champion: ModelBundle | None = None,
    entry_rate: EntryRate | None = None,
) -> Finding:
    """STAGED with a short summary when every check passes, else the first refusal and what was found.

    In order: features and their order, horizon, timeframe, window, golden sample (finite, then equal), one prediction
    of a whole window, and the share of candles on which the model would enter, against that of `champion`. That last
    check is skipped without a champion, without `entry_rate`, or where it has no answer (None) for either model; it
    must measure both on the same candles.
    """
    for finding in _contract_findings(bundle, expectations):
        return finding
    try:
        finding_of_output = _output_finding(bundle, expectations.window_candles)
    except ModelOutputError as error:
        return CandidateOutcome.NOT_FINITE, str(error)
    except Exception as error:  # noqa: BLE001 - a foreign estimator may raise anything; the candidate is refused
        return CandidateOutcome.UNREADABLE, f"predicting raised {error!r}"
    if finding_of_output is not None:
        return finding_of_output
    rate_finding = _entry_rate_finding(bundle, champion, entry_rate, expectations.entry_rate_band)
    return rate_finding or (CandidateOutcome.STAGED, f"{bundle.label} passed every check")


# Findings about what the bundle says of itself, each only when it does not fit.
def _contract_findings(bundle: ModelBundle, expected: Expectations) -> Iterator[Finding]:
    if bundle.feature_names != expected.feature_names:
        yield CandidateOutcome.WRONG_FEATURES, _first_difference(bundle.feature_names, expected.feature_names)
    if bundle.horizon_candles != expected.horizon_candles:
        found, needed = bundle.horizon_candles, expected.horizon_candles
        yield CandidateOutcome.WRONG_HORIZON, f"it predicts {found} candles ahead, the strategy needs {needed}"
    if bundle.timeframe != expected.timeframe:
        found_timeframe, needed_timeframe = bundle.timeframe, expected.timeframe
        yield CandidateOutcome.WRONG_TIMEFRAME, f"it was trained on {found_timeframe}, the bot runs {needed_timeframe}"
    if bundle.profile.window_candles != expected.window_candles:
        measured, needed = bundle.profile.window_candles, expected.window_candles
        yield (
            CandidateOutcome.WRONG_WINDOW,
            f"its limits were measured for windows of {measured} candles, window_candles is {needed}",
        )


def _first_difference(found: tuple[str, ...], needed: tuple[str, ...]) -> str:
    counts = f"it has {len(found)} features, the strategy has {len(needed)}"
    for position, (ours, theirs) in enumerate(zip_longest(needed, found)):
        if ours != theirs:
            return f"{counts}; they first differ at position {position}: strategy {ours!r}, model {theirs!r}"
    return counts


def _output_finding(bundle: ModelBundle, window_candles: int) -> Finding | None:
    golden = bundle.golden
    if len(golden.features) == 0 or len(golden.features) != len(golden.predictions):
        return CandidateOutcome.UNREADABLE, "its golden sample is empty or does not match its predictions"
    answers = bundle.predict(golden.features)
    if not np.allclose(answers, golden.predictions, rtol=GOLDEN_RELATIVE_TOLERANCE, atol=GOLDEN_ABSOLUTE_TOLERANCE):
        return CandidateOutcome.GOLDEN_SAMPLE_DIFFERS, _golden_detail(bundle, answers)
    bundle.predict(np.resize(golden.features, (window_candles, golden.features.shape[1])))
    return None


def _golden_detail(bundle: ModelBundle, answers: NDArray[np.float64]) -> str:
    largest = float(np.max(np.abs(answers - bundle.golden.predictions)))
    return (
        f"its golden sample of {len(answers)} rows is off by up to {largest:.3g}; "
        f"{_library_difference(bundle.libraries, installed_libraries())}"
    )


def _library_difference(trained: Mapping[str, str], installed: Mapping[str, str]) -> str:
    changed = [
        f"{name} {version} there, {installed.get(name, 'none')} here"
        for name, version in sorted(trained.items())
        if installed.get(name) != version
    ]
    if changed:
        return f"it was trained with other libraries: {', '.join(changed)}"
    return "it was trained with the libraries installed here: the model itself is another"


def _entry_rate_finding(
    bundle: ModelBundle, champion: ModelBundle | None, entry_rate: EntryRate | None, band: float
) -> Finding | None:
    if champion is None or entry_rate is None:
        return None
    try:
        candidates, champions = entry_rate(bundle), entry_rate(champion)
    except ModelOutputError as error:
        return CandidateOutcome.NOT_FINITE, str(error)
    if candidates is None or champions is None or max(candidates, champions) < SILENT_ENTRY_RATE:
        return None
    if champions / band <= candidates <= champions * band:
        return None
    detail = (
        f"it would enter on {candidates:.2%} of the candles, {champion.label} on {champions:.2%}: "
        f"more than a factor of {band:g} apart"
    )
    return CandidateOutcome.ENTRY_RATE_OUT_OF_BAND, detail


__all__ = [
    "GOLDEN_ABSOLUTE_TOLERANCE",
    "GOLDEN_RELATIVE_TOLERANCE",
    "EntryRate",
    "Expectations",
    "Finding",
    "check_candidate",
]
