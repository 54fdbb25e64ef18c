"""The words of the lifecycle: every one is there once, and says what it is."""

import inspect
from enum import Enum, IntEnum, IntFlag
from functools import reduce
from itertools import combinations
from operator import or_

import pytest

from tradai_lifecycle import states
from tradai_lifecycle.states import (
    BUG_REASONS,
    DRIFT_REASONS,
    FAULT_REASONS,
    QUALITY_REASONS,
    CommandName,
    OperatorAction,
    Reason,
    Severity,
    TradingState,
    Unchecked,
)

ENUMS = [value for value in vars(states).values() if inspect.isclass(value) and value.__module__ == states.__name__]
REASONS = list(Reason)


@pytest.mark.parametrize("enum", ENUMS, ids=lambda enum: enum.__name__)
def test_every_class_is_an_enum_with_a_docstring(enum: type) -> None:
    assert issubclass(enum, Enum)
    assert enum.__doc__
    assert len(list(enum)) > 1


@pytest.mark.parametrize("reason", REASONS, ids=lambda reason: reason.name)
def test_every_reason_is_one_bit_of_a_uint32_and_has_words_of_its_own(reason: Reason) -> None:
    (words,) = reason.words
    assert words.strip()
    assert int(reason).bit_count() == 1
    assert 0 < int(reason) < 1 << 32
    assert [other for other in REASONS if other.words == (words,)] == [reason]


def test_the_words_of_several_reasons_are_those_of_each_strictest_first() -> None:
    everything = reduce(or_, REASONS)
    assert sorted(everything.words) == sorted(reason.words[0] for reason in REASONS)
    assert Reason.NONE.words == ()
    assert (Reason.PSI_MODERATE | Reason.OPERATOR_PAUSED).words == (
        "paused by the operator",
        "moderate drift of the features",
    )


def test_faults_of_the_data_ours_and_evidence_about_the_model_do_not_overlap() -> None:
    for one, other in combinations((QUALITY_REASONS, FAULT_REASONS, DRIFT_REASONS), 2):
        assert one & other == Reason.NONE


def test_a_bug_is_no_evidence_about_the_model() -> None:
    assert BUG_REASONS & (DRIFT_REASONS | Reason.PSI_MODERATE) == Reason.NONE
    assert QUALITY_REASONS & ~BUG_REASONS == Reason.NONE


@pytest.mark.parametrize("why", Unchecked)
def test_every_cause_of_an_unchecked_feature_has_words_of_its_own(why: Unchecked) -> None:
    assert why.words.strip()
    assert [other for other in Unchecked if other.words == why.words] == [why]


@pytest.mark.parametrize("enum", [Severity, TradingState])
def test_the_greater_of_two_is_the_stricter_and_labels_lead_back(enum: type[Severity] | type[TradingState]) -> None:
    assert [int(member) for member in enum] == list(range(3))
    assert [enum[member.label.upper()] for member in enum] == list(enum)
    assert max(TradingState.REDUCED, TradingState.PAUSED) is TradingState.PAUSED


@pytest.mark.parametrize(
    "enum", [enum for enum in ENUMS if not issubclass(enum, IntEnum | IntFlag)], ids=lambda enum: enum.__name__
)
def test_a_word_is_its_members_name_in_lower_case(enum: type[OperatorAction]) -> None:
    # a command is typed with a dash
    between = "-" if enum is CommandName else "_"
    assert [member.value for member in enum] == [member.name.lower().replace("_", between) for member in enum]
