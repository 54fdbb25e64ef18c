"""A long measurement goes on where it stopped, and never with figures of other code."""

from pathlib import Path

import pytest

from benchmarks import cells, harm, whole_policy
from benchmarks.cells import Cells, digest
from benchmarks.equal_alarms.plan import full_plan, parts_of, quick_plan
from benchmarks.marked import STATISTICS, markers, table, write_marked


def of(directory: Path, made_with: str = "this code") -> Cells:
    return Cells(directory=directory, made_with=made_with)


def never() -> object:
    raise AssertionError("measured again")


def test_a_part_is_measured_once(tmp_path: Path) -> None:
    assert of(tmp_path).measured({"1h BTC/USDT": lambda: [1, 2]}) == {"1h BTC/USDT": [1, 2]}
    assert of(tmp_path).measured({"1h BTC/USDT": never}) == {"1h BTC/USDT": [1, 2]}


def test_what_was_done_before_a_failure_is_kept(tmp_path: Path) -> None:
    with pytest.raises(AssertionError):
        of(tmp_path).measured({"first": lambda: 1, "second": never})
    assert of(tmp_path).measured({"first": never, "second": lambda: 2}) == {"first": 1, "second": 2}


def test_figures_of_other_code_are_measured_anew(tmp_path: Path) -> None:
    of(tmp_path, "older code").keep("part", 1)
    assert of(tmp_path).known("part") is None
    assert of(tmp_path).measured({"part": lambda: 2}) == {"part": 2}


def test_comments_and_layout_are_not_other_code(tmp_path: Path) -> None:
    digests = []
    for number, text in enumerate(("limit = 1\n", "# why\nlimit  =  1\n", "limit = 2\n")):
        file = tmp_path / str(number) / "rule.py"
        file.parent.mkdir()
        file.write_text(text, encoding="utf-8")
        assert digest((file,)) == digest((file.parent,))
        digests.append(digest((file,)))
    assert digests[0] == digests[1] != digests[2]


def test_a_part_is_forgotten_in_the_version_of_this_code_alone(tmp_path: Path) -> None:
    older = of(tmp_path, "older code")
    for known in (older, of(tmp_path)):
        known.keep("part", 1)
    of(tmp_path).forget("part")
    of(tmp_path).forget("part")
    assert of(tmp_path).known("part") is None
    assert older.known("part") == 1


@pytest.mark.parametrize(
    "keys",
    [
        list(harm.parts()),
        list(whole_policy.parts()),
        [part.key for part in parts_of(full_plan())],
        [part.key for part in parts_of(quick_plan())],
    ],
    ids=["harm", "whole policy", "equal alarms", "equal alarms, quick"],
)
def test_every_part_of_a_plan_has_a_file_of_its_own(tmp_path: Path, keys: list[str]) -> None:
    assert keys
    assert len({of(tmp_path).file(key) for key in keys}) == len(keys)


def test_what_decides_is_there_to_be_read() -> None:
    assert all((cells.PACKAGE / part).exists() for part in cells.DECIDING)


def test_a_table_replaces_what_stood_between_its_markers(tmp_path: Path) -> None:
    document = tmp_path / "document.md"
    begin, end = markers("harm")
    document.write_text(f"before\n{begin}\nold\n{end}\nafter\n", encoding="utf-8")
    for _ in range(2):
        write_marked("harm", table(("a", "b"), [("1", "2")])[:-1], document)
    expected = f"before\n{begin}\n\n| a | b |\n| --- | --- |\n| 1 | 2 |\n\n{end}\nafter\n"
    assert document.read_text(encoding="utf-8") == expected


@pytest.mark.parametrize("text", ["", "{end}\n{begin}\n", "{begin}\n{begin}\n{end}\n", "{begin}\n"])
def test_a_document_without_the_markers_is_refused(tmp_path: Path, text: str) -> None:
    document, (begin, end) = tmp_path / "document.md", markers("harm")
    document.write_text(text.format(begin=begin, end=end), encoding="utf-8")
    with pytest.raises(ValueError, match="once, in this order"):
        write_marked("harm", [], document)


@pytest.mark.parametrize("name", ["harm", "whole_policy"])
def test_the_documents_have_room_for_the_tables(name: str) -> None:
    text = STATISTICS.read_text(encoding="utf-8")
    assert [text.count(marker) for marker in markers(name)] == [1, 1]
