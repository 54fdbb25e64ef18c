"""Of more things than can be remembered, none is lost: the one that would end first is told early."""

from datetime import timedelta

from tests.notify.happenings import at, settings
from tests.notify.test_channels import notice
from tradai_lifecycle.notify.folding import MOST_WINDOWS, Folder


def folder() -> Folder:
    return Folder(timedelta(minutes=settings().fold_minutes), timedelta(hours=24))


def test_what_must_make_room_is_told_at_the_next_occasion() -> None:
    fold = folder()
    assert fold.offer(notice("first"), at(0))
    fold.due(at(1))
    assert not fold.offer(notice("first"), at(1))
    for number in range(MOST_WINDOWS):
        assert fold.offer(notice(f"number {number}"), at(2))
    assert len(fold) == MOST_WINDOWS
    assert [told.what for told in fold.due(at(3))] == ["first"]
    assert fold.due(at(3)) == []
    assert fold.offer(notice("first"), at(4))


def test_ending_every_series_gives_what_was_held() -> None:
    fold = folder()
    fold.offer(notice("first"), at(0))
    fold.due(at(1))
    fold.offer(notice("first"), at(1))
    assert [held.what for held in fold.clear()] == ["first"]
    assert fold.offer(notice("first"), at(2))
