"""A bundle answers one signed, finite score per row, whatever batch the row is in."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression, Ridge
from threadpoolctl import threadpool_info

from tests.model.bundles import FEATURES, ROWS, TARGET, bundle, constant
from tradai_lifecycle.model import ModelOutputError, ModelTask


def test_a_regressors_score_is_its_prediction():
    estimator = Ridge().fit(ROWS, TARGET)
    np.testing.assert_allclose(bundle(estimator).predict(ROWS), estimator.predict(ROWS), rtol=1e-12)


@pytest.mark.parametrize("labels", [(0, 1), (1, -1), (False, True)])
def test_a_classifiers_score_is_positive_where_the_larger_class_is_likely(labels):
    low, high = min(labels), max(labels)
    estimator = LogisticRegression().fit(ROWS, np.where(TARGET > 0, high, low))
    scores = bundle(estimator, task=ModelTask.CLASSIFICATION).predict(ROWS)
    assert np.all(np.abs(scores) <= 1.0)
    assert np.corrcoef(scores, TARGET)[0, 1] > 0.8


def test_a_reversed_class_order_does_not_turn_the_sign():
    class Reversed:
        classes_ = np.array([1, 0])

        def predict_proba(self, rows):
            return np.tile([0.9, 0.1], (len(rows), 1))

    np.testing.assert_allclose(bundle(Reversed(), task=ModelTask.CLASSIFICATION).predict(ROWS[:3]), 0.8)


@pytest.mark.parametrize("make", [lambda: bundle(Ridge().fit(ROWS, TARGET)), bundle], ids=["linear", "trees"])
def test_a_rows_score_does_not_depend_on_its_batch(make):
    made = make()
    whole = made.predict(ROWS)
    for size in (1, 2, 7, 63, 64, 65, 200):
        np.testing.assert_array_equal(made.predict(ROWS[:size]), whole[:size])
    np.testing.assert_array_equal(made.predict(np.asfortranarray(ROWS)), whole)


def test_no_rows_give_no_scores():
    assert bundle().predict(np.empty((0, len(FEATURES)))).shape == (0,)


@pytest.mark.parametrize("shape", [(3,), (2, 2), (2, 4), (1, 2, 3)])
def test_another_shape_is_refused(shape):
    with pytest.raises(ValueError, match="needs \\(n, 3\\)"):
        bundle().predict(np.zeros(shape))


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_score_that_is_not_finite_is_refused(bad):
    class Broken:
        def predict(self, rows):
            return np.where(np.arange(len(rows)) == 1, bad, 0.0)

    with pytest.raises(ModelOutputError, match="1 of 3 not finite"):
        bundle(Broken(), golden=bundle().golden).predict(ROWS[:3])


def test_a_classifier_of_one_class_is_refused():
    class OneClass:
        classes_ = np.array([1])

        def predict_proba(self, rows):
            return np.ones((len(rows), 1))

    with pytest.raises(ModelOutputError, match="1 classes"):
        bundle(OneClass(), task=ModelTask.CLASSIFICATION, golden=bundle().golden).predict(ROWS[:3])


def test_predicting_uses_one_openmp_thread_and_gives_the_others_back():
    seen = []

    class Curious:
        def predict(self, rows):
            seen.extend(openmp_threads())
            return np.zeros(len(rows))

    before = openmp_threads()
    bundle(Curious())
    assert seen
    assert set(seen) == {1}
    assert openmp_threads() == before


def openmp_threads():
    return [pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "openmp"]


def test_the_label_is_the_version_as_columns_show_it():
    assert constant(7).label == "v7"
