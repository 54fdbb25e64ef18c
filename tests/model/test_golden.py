"""The golden candles of an artefact come back as they were written; artefacts without any load as before."""

import io
import json

import numpy as np
import pytest

from tests.model.bundles import ROWS, artefact, bundle
from tradai_lifecycle.errors import UnreadableArtefactError
from tradai_lifecycle.model.artefact import read_artefact, write_artefact
from tradai_lifecycle.model.bundle import GoldenCandles, GoldenPair, GoldenSample
from tradai_lifecycle.model.golden import golden_file, read_golden
from tradai_lifecycle.states import Unchecked

SAMPLE = GoldenSample(features=ROWS[:4], predictions=np.arange(4.0))


def candles(rows: int = 6) -> GoldenCandles:
    """Two pairs with a column of every kind; names that are no file names."""
    times = np.datetime64("2024-06-01T00", "ms") + np.arange(rows) * np.timedelta64(1, "h")
    columns = {
        "date": times,
        "close": np.linspace(0.1, 0.7, rows),
        "../rsi_4h": np.full(rows, np.nan, dtype=np.float32),
        "trades": np.arange(rows),
        "pumped": np.arange(rows) % 2 == 0,
    }
    pairs = tuple(GoldenPair(pair=name, columns=columns, features=ROWS[:3]) for name in ("BTC/USDT", "ETH/USDT"))
    return GoldenCandles(pairs=pairs, unchecked={"%-obv": Unchecked.FRAME_START}, problem="none of SOL/USDT")


def test_golden_candles_come_back_to_the_last_bit() -> None:
    written = candles()
    sample, found = read_golden(golden_file(SAMPLE, written))
    assert found is not None
    assert (found.unchecked, found.problem) == (written.unchecked, written.problem)
    assert [pair.pair for pair in found.pairs] == ["BTC/USDT", "ETH/USDT"]
    for ours, theirs in zip(found.pairs, written.pairs, strict=True):
        assert list(ours.columns) == list(theirs.columns)
        for name, values in theirs.columns.items():
            assert ours.columns[name].dtype == values.dtype
            np.testing.assert_array_equal(ours.columns[name], values)
        np.testing.assert_array_equal(ours.features, theirs.features)
        assert not ours.features.flags.writeable
    np.testing.assert_array_equal(sample.features, SAMPLE.features)
    np.testing.assert_array_equal(sample.predictions, SAMPLE.predictions)


def test_an_artefact_written_before_there_were_any_loads_without(tmp_path) -> None:
    artefact(tmp_path)
    with np.load(io.BytesIO((tmp_path / "golden.npz").read_bytes())) as arrays:
        assert sorted(arrays) == ["features", "predictions"]
    wanted = {"name": "btc", "version": "7", "run_id": None, "expected_digest": None, "trusted_types": ()}
    assert read_artefact(tmp_path, **wanted).golden_candles is None
    write_artefact(tmp_path, bundle(golden_candles=candles()))
    assert [pair.pair for pair in read_artefact(tmp_path, **wanted).golden_candles.pairs] == ["BTC/USDT", "ETH/USDT"]


def test_an_older_package_reads_the_golden_sample_of_a_new_artefact() -> None:
    with np.load(io.BytesIO(golden_file(SAMPLE, candles())), allow_pickle=False) as arrays:
        np.testing.assert_array_equal(arrays["features"], SAMPLE.features)


def test_a_column_that_would_need_pickle_is_refused_when_written() -> None:
    odd = GoldenPair(pair="BTC/USDT", columns={"word": np.array(["up", None], dtype=object)}, features=ROWS[:1])
    with pytest.raises(ValueError, match="Object arrays"):
        golden_file(SAMPLE, GoldenCandles(pairs=(odd,)))


def damaged(**changes: object) -> bytes:
    """A golden file whose arrays or header were changed."""
    with np.load(io.BytesIO(golden_file(SAMPLE, candles()))) as read:
        arrays = dict(read)
    header = json.loads(arrays["golden_candles"].tobytes())
    header.update({name: value for name, value in changes.items() if name in header})
    arrays["golden_candles"] = np.frombuffer(json.dumps(header).encode(), dtype=np.uint8)
    arrays |= {name: value for name, value in changes.items() if name not in header}
    content = io.BytesIO()
    np.savez(content, **arrays)
    return content.getvalue()


@pytest.mark.parametrize(
    "changes",
    [
        {"format": 2},
        {"unchecked": {"%-obv": "never_heard_of"}},
        {"column_0_1": np.zeros(5)},
        {"features_1": np.zeros((7, 3))},
        {"features_1": np.zeros((0, 3))},
        {"features_1": np.zeros(3)},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_golden_candles_that_make_no_sense_are_unreadable(tmp_path, changes) -> None:
    artefact(tmp_path)
    (tmp_path / "golden.npz").write_bytes(damaged(**changes))
    with pytest.raises(UnreadableArtefactError):
        read_artefact(tmp_path, name="btc", version="7", run_id=None, expected_digest=None, trusted_types=())
