"""The lifecycle's section is cut out of a configuration's text, and every other byte of it stays."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.cli.stopped_bot import COMMENTED
from tradai_lifecycle.cli.config_text import UncertainSectionError, without_section
from tradai_lifecycle.cli.scaffold import MODE_MARK
from tradai_lifecycle.config import SECTION


def test_comments_elsewhere_and_our_own_mark_survive_and_vanish(tmp_path: Path) -> None:
    file = tmp_path / "config.json"
    file.write_text(COMMENTED.replace("// theirs", MODE_MARK), encoding="utf-8")
    cut = without_section(file, SECTION, own_comments=(MODE_MARK,))
    kept = COMMENTED.splitlines(keepends=True)
    assert cut.text == "".join([*kept[:4], *kept[8:]])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"a": 1, "tradai_lifecycle": {"x": {"y": [1, "}"]}}}', '{"a": 1 }'),
        ('{"tradai_lifecycle": {}, "a": 1}', '{ "a": 1}'),
        ('{"tradai_lifecycle": {}}', "{}"),
        ('{"a": {"tradai_lifecycle": {}}}', None),
        ('{"a": "\\"tradai_lifecycle\\": {"}', None),
    ],
)
def test_the_section_is_cut_out_and_its_name_elsewhere_is_not(tmp_path: Path, text: str, expected: str | None) -> None:
    file = tmp_path / "config.json"
    file.write_text(text, encoding="utf-8")
    cut = without_section(file, SECTION)
    assert (cut.text, cut.found) == (expected or text, expected is not None)


def test_a_section_that_stands_twice_is_not_guessed_at(tmp_path: Path) -> None:
    file = tmp_path / "config.json"
    file.write_text('{"tradai_lifecycle": {"a": 1}, "tradai_lifecycle": {"b": 2}}', encoding="utf-8")
    with pytest.raises(UncertainSectionError):
        without_section(file, SECTION)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text('ab"\\/{},:*', max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text('ab"{', max_size=3), inner, max_size=3),
    max_leaves=8,
)


@given(
    before=st.dictionaries(st.text('ab"/', max_size=3), JSON, max_size=3),
    section=st.dictionaries(st.text("cd", min_size=1, max_size=3), JSON, max_size=3),
    after=st.dictionaries(st.text("xy", min_size=1, max_size=3), JSON, max_size=3),
    indent=st.sampled_from([None, 2, 4]),
)
def test_any_configuration_without_its_section_reads_as_before(
    tmp_path_factory: pytest.TempPathFactory, before: Any, section: Any, after: Any, indent: int | None
) -> None:
    file = tmp_path_factory.getbasetemp() / "any.json"
    file.write_text(json.dumps({**before, SECTION: section, **after}, indent=indent), encoding="utf-8")
    assert json.loads(without_section(file, SECTION).text) == {**before, **after}
