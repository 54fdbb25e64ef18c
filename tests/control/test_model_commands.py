"""A change of the model is pending until a batch was predicted with it, and says what stands in its way."""

import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from textwrap import dedent

import pytest

from tests.control.control_room import NOON, ControlRoom, bot, state
from tradai_lifecycle.control.commands import Answer, Follow
from tradai_lifecycle.control.words import text_of
from tradai_lifecycle.errors import RegistryUnreachableError
from tradai_lifecycle.events import CommandAnswered
from tradai_lifecycle.model.local_directory import LocalDirectorySource
from tradai_lifecycle.states import CandidateOutcome, CommandName, CommandOutcome, Role

ADOPT, PIN, PROMOTE, ROLLBACK, UNPIN = (
    CommandName.ADOPT, CommandName.PIN, CommandName.PROMOTE, CommandName.ROLLBACK, CommandName.UNPIN,
)  # fmt: skip
DONE, FAILED, PENDING = CommandOutcome.DONE, CommandOutcome.FAILED, CommandOutcome.PENDING


@pytest.fixture
def three(room: ControlRoom) -> ControlRoom:
    """Three registered versions, of which v1 and then v2 took over; v2 is in production."""
    for _ in range(3):
        room.register()
    room.registry.promote("1")
    room.take_over("1")
    room.registry.promote("2")
    room.take_over("2")
    return room


def follow_of(answer: Answer) -> Follow:
    assert answer.follow is not None
    return answer.follow


def test_a_promotion_is_pending_until_a_batch_was_predicted_by_it_and_then_done_once(three: ControlRoom) -> None:
    answer = three.run(PROMOTE, "v3", "fresh", "data")
    follow = follow_of(answer)

    assert (answer.outcome, three.registry.production_version()) == (PENDING, "3")
    assert text_of(answer) == (
        "promote v3 pending: v3 is in production; the newest batch was predicted by v2; "
        "a running bot takes v3 up at its next poll and candle"
    )
    assert three.end_of(follow) is None
    three.decide("3", CandidateOutcome.STAGED)
    assert three.end_of(follow) is None

    three.take_over("3")
    done = three.end_of(follow)
    assert done is not None
    assert (done.outcome, text_of(done)) == (
        DONE,
        "promote v3 done: the batch of 2026-03-01 12:05 UTC was predicted by v3",
    )
    assert three.end_of(follow) == done
    assert three.answers() == [(PROMOTE, "v3", PENDING), (PROMOTE, "v3", PENDING), (PROMOTE, "v3", DONE)]


def test_an_older_batch_of_the_same_version_does_not_count(three: ControlRoom) -> None:
    three.ledger.record_adoption(
        version="v1", previous_version="v2", adopted_candle=NOON + timedelta(days=1), adopted_at=NOON, state_before={}
    )
    three.ledger.record_batch(version="v1", candle=NOON, at=NOON)
    assert three.run(PROMOTE, "1").outcome is PENDING


def test_a_promotion_of_what_decides_already_is_done_at_once(three: ControlRoom) -> None:
    answer = three.run(PROMOTE, "2")
    assert (answer.outcome, answer.follow) == (DONE, None)
    assert three.answers()[-1] == (PROMOTE, "v2", DONE)


@pytest.mark.parametrize(
    "outcome",
    sorted(
        set(CandidateOutcome)
        - {
            CandidateOutcome.STAGED,
            CandidateOutcome.ALREADY_CURRENT,
            CandidateOutcome.AWAITING_CONFIRMATION,
            CandidateOutcome.HELD_BY_SWAP_LIMIT,
            CandidateOutcome.NOT_READY,
        }
    ),
)
def test_a_refusal_by_the_bot_fails_the_promotion_with_its_reason(
    three: ControlRoom, outcome: CandidateOutcome
) -> None:
    follow = follow_of(three.run(PROMOTE, "3"))
    three.decide("3", outcome, "so it is")
    failed = three.end_of(follow)

    assert failed is not None
    assert (failed.outcome, text_of(failed)) == (
        FAILED,
        f"promote v3 failed: the bot refused v3 at 2026-03-01 12:04 UTC: {outcome.value}. so it is",
    )


def test_a_refusal_from_before_is_no_answer_to_a_new_promotion(three: ControlRoom) -> None:
    three.decide("3", CandidateOutcome.WRONG_FEATURES)
    assert three.run(PROMOTE, "3").outcome is PENDING


def test_what_the_bot_refused_and_would_not_say_again_fails_at_once(three: ControlRoom) -> None:
    three.run(PROMOTE, "3")
    three.decide("3", CandidateOutcome.WRONG_FEATURES, "other features")
    again = three.run(PROMOTE, "3")
    assert again.outcome is FAILED
    assert "v3 is in production, but the bot refused v3" in text_of(again)


def test_a_promotion_that_waits_for_a_person_or_the_swap_limit_stays_pending_and_says_so(three: ControlRoom) -> None:
    follow = follow_of(three.run(PROMOTE, "3"))
    three.decide("3", CandidateOutcome.HELD_BY_SWAP_LIMIT, "4 adoptions within 24 hours")
    assert three.end_of(follow) is None
    assert "v3 waits: 4 adoptions within 24 hours" in text_of(three.run(PROMOTE, "3"))
    three.decide("3", CandidateOutcome.AWAITING_CONFIRMATION)
    assert "passed the checks and waits for a person. Next: adopt v3" in text_of(three.run(PROMOTE, "3"))


def test_a_pin_to_another_version_keeps_a_promotion_from_being_begun(three: ControlRoom) -> None:
    three.run(PIN, "1")
    answer = three.run(PROMOTE, "3")
    assert (answer.outcome, three.registry.production_version()) == (FAILED, "2")
    assert text_of(answer) == (
        "promote v3 failed: nothing was changed: the bot is pinned to v1. Next: unpin, then promote"
    )


@pytest.mark.parametrize("later", [PIN, ROLLBACK, PROMOTE])
def test_a_later_word_for_another_version_ends_a_pending_promotion(three: ControlRoom, later: CommandName) -> None:
    follow = follow_of(three.run(PROMOTE, "3"))
    three.run(later, "1", who="bob")
    failed = three.end_of(follow)
    assert failed is not None
    assert failed.outcome is FAILED
    assert "bob" in text_of(failed)


def test_a_version_that_does_not_exist_is_named_before_anything_is_written(three: ControlRoom) -> None:
    for name in (PROMOTE, PIN, ROLLBACK):
        answer = three.run(name, "9")
        assert answer.outcome is FAILED
        assert "The registry has no version 9 of model 'demo'" in text_of(answer)
    assert (three.registry.production_version(), three.ledger.pin()) == ("2", None)
    assert [outcome for _, _, outcome in three.answers()] == [FAILED] * 3


def test_a_rollback_pins_what_was_in_charge_before_and_stays_pinned(three: ControlRoom) -> None:
    answer = three.run(ROLLBACK, role=Role.OPERATOR)
    follow, pin = follow_of(answer), three.ledger.pin()

    assert pin is not None
    assert (follow.version, pin.pinned, pin.version, three.registry.production_version()) == ("1", True, "1", "1")
    assert text_of(answer).endswith("v1 stays pinned: unpin lets later versions in again")
    three.take_over("1")
    done = three.end_of(follow)
    assert done is not None
    assert done.outcome is DONE
    assert three.answers() == [(ROLLBACK, "v1", PENDING), (ROLLBACK, "v1", DONE)]


def test_a_second_rollback_leads_further_back_and_never_to_the_bad_version(three: ControlRoom) -> None:
    three.registry.promote("3")
    three.take_over("3")
    three.run(ROLLBACK)
    three.take_over("2")
    assert follow_of(three.run(ROLLBACK)).version == "1"
    three.take_over("1")
    last = three.run(ROLLBACK)
    assert last.outcome is FAILED
    assert "no version before the present one" in text_of(last)


def test_a_rollback_needs_no_registry(three: ControlRoom) -> None:
    state_file = three.root / "registry" / "demo" / "registry.json"
    state_file.rename(three.root / "away")
    state_file.mkdir()
    answer = three.run(ROLLBACK)
    pin = three.ledger.pin()
    assert pin is not None
    assert (answer.outcome, pin.version) == (PENDING, "1")
    assert "it is not known whether the registry names it as its production version" in text_of(answer)


def test_a_pin_of_another_version_is_pending_and_one_of_the_present_version_is_done(three: ControlRoom) -> None:
    assert three.run(PIN).outcome is DONE
    pin = three.ledger.pin()
    assert pin is not None
    assert (pin.pinned, pin.version) == (True, "2")
    follow = follow_of(three.run(PIN, "1"))
    three.take_over("1")
    done = three.end_of(follow)
    assert done is not None
    assert done.outcome is DONE

    assert three.run(UNPIN).outcome is DONE
    pin = three.ledger.pin()
    assert pin is not None
    assert not pin.pinned


def test_adopt_lets_in_the_version_that_waits_and_leaves_nothing_pinned(three: ControlRoom) -> None:
    three.registry.promote("3")
    three.ledger.record_bot(bot(awaiting="v3", at=three.now))
    answer = three.run(ADOPT)
    pin = three.ledger.pin()

    assert pin is not None
    assert (answer.outcome, pin.pinned, pin.version) == (PENDING, False, "3")
    assert three.end_of(follow_of(answer)) is None
    three.take_over("3")
    done = three.end_of(follow_of(answer))
    assert done is not None
    assert done.outcome is DONE
    assert three.answers() == [(ADOPT, "v3", PENDING), (ADOPT, "v3", DONE)]


def test_adopt_knows_of_a_version_that_waits_since_the_last_batch(three: ControlRoom) -> None:
    three.ledger.record_bot(bot(awaiting=None, at=three.now))
    three.decide("3", CandidateOutcome.AWAITING_CONFIRMATION)
    assert three.run(ADOPT).outcome is PENDING


def test_adopt_lets_in_nothing_that_does_not_wait(three: ControlRoom) -> None:
    assert text_of(three.run(ADOPT)) == "adopt failed: no version waits for a person"
    three.ledger.record_bot(bot(awaiting="v3", at=three.now))
    assert text_of(three.run(ADOPT, "1")) == "adopt v1 failed: v1 does not wait for a person; v3 does"
    three.run(PIN)
    assert "the bot is pinned to v2. Next: unpin" in text_of(three.run(ADOPT))


def test_adopt_of_what_is_in_charge_changes_nothing_and_lifts_no_pin(three: ControlRoom) -> None:
    three.run(PIN)
    assert three.run(ADOPT, "2").outcome is DONE
    pin = three.ledger.pin()
    assert pin is not None
    assert pin.pinned


def test_an_event_that_cannot_be_written_keeps_the_registry_as_it_was(three: ControlRoom) -> None:
    three.refuse_events()
    assert three.run(PROMOTE, "3").outcome is FAILED
    assert three.registry.production_version() == "2"


def test_a_pending_command_is_not_lost_while_the_database_is_away(three: ControlRoom) -> None:
    follow = follow_of(three.run(PROMOTE, "3"))
    three.take_over("3")
    three.ledger.close()
    assert three.end_of(follow) is None
    three.ledger.open()
    done = three.end_of(follow)
    assert done is not None
    assert done.outcome is DONE


def killed_promotion(room: ControlRoom, at: str) -> None:
    """Promote v3 in another process that is killed before or after the registry has taken it."""
    script = dedent(f"""
        import os
        from pathlib import Path
        from tests.control.control_room import ControlRoom
        from tradai_lifecycle.model.local_directory import LocalDirectorySource
        from tradai_lifecycle.states import CommandName
        from tradai_lifecycle.store.ledger import Ledger

        class Killed(LocalDirectorySource):
            def promote(self, version):
                if {at!r} == "after":
                    super().promote(version)
                os.kill(os.getpid(), 9)

        root = Path({str(room.root)!r})
        ledger = Ledger(root / "tradai_lifecycle.sqlite")
        ledger.open()
        room = ControlRoom(root=root, ledger=ledger, registry=Killed(root / "registry", "demo"))
        room.run(CommandName.PROMOTE, "3")
    """)
    done = subprocess.run(
        [sys.executable, "-c", script],
        check=False,
        cwd=Path(__file__).parents[2],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        timeout=120,
        capture_output=True,
    )
    assert done.returncode == -9, done.stderr


@pytest.mark.parametrize(("at", "production"), [("before", "2"), ("after", "3")])
def test_a_promotion_that_was_killed_midway_shows_until_it_is_repeated(
    three: ControlRoom, at: str, production: str
) -> None:
    killed_promotion(three, at)
    assert three.registry.production_version() == production
    three.ledger.record_states([state()])
    assert "promote v3 by shell:anna at 2026-03-01 12:01 UTC: pending: begun and not finished: repeat it" in (
        three.text(CommandName.STATUS)
    )

    three.run(PROMOTE, "3")
    assert three.registry.production_version() == "3"
    assert "not finished" not in three.text(CommandName.STATUS)


def test_the_end_of_a_pending_command_is_told_apart_from_another_persons(three: ControlRoom) -> None:
    by_anna = follow_of(three.run(PROMOTE, "3", who="anna"))
    by_bob = follow_of(three.run(PROMOTE, "3", who="bob"))
    three.take_over("3")
    ends = [three.end_of(by_anna), three.end_of(by_bob)]
    assert [answer.outcome for answer in ends if answer is not None] == [DONE, DONE]
    told = [one.event for one in three.ledger.events(kind="command_answered", limit=2)]
    assert [event.who for event in told if isinstance(event, CommandAnswered)] == ["shell:bob", "shell:anna"]


class LosesAnswers(LocalDirectorySource):
    """A registry that does what it is told, or not, and whose answer is lost; afterwards it answers, or not."""

    def __init__(self, source: Path, *, applies: bool, answers_later: bool) -> None:
        super().__init__(source, "demo")
        self._applies, self._answers_later, self._lost = applies, answers_later, False

    def promote(self, version: str) -> None:
        if self._applies:
            super().promote(version)
        self._lost = True
        raise RegistryUnreachableError(self.uri, "the connection was reset")

    def production_version(self) -> str | None:
        if self._lost and not self._answers_later:
            raise RegistryUnreachableError(self.uri, "still away")
        return super().production_version()


@pytest.mark.parametrize(
    ("applies", "answers_later", "outcome", "said"),
    [
        (True, True, PENDING, "promote v3 pending: v3 is in production; "),
        (True, False, PENDING, "promote v3 pending: it is not known whether v3 is in production: The model registry"),
        (False, True, FAILED, "promote v3 failed: The model registry"),
    ],
)
def test_a_promotion_whose_answer_was_lost_is_not_called_failed_unless_it_is(
    three: ControlRoom, applies: bool, answers_later: bool, outcome: CommandOutcome, said: str
) -> None:
    three.registry = LosesAnswers(three.root / "registry", applies=applies, answers_later=answers_later)
    answer = three.run(PROMOTE, "3")
    assert (answer.outcome, three.answers()[-1][2]) == (outcome, outcome)
    assert text_of(answer).startswith(said)
    assert (answer.follow is not None) is (outcome is PENDING)


def test_a_rollback_does_not_say_what_the_registry_names_where_that_is_not_known(three: ControlRoom) -> None:
    three.registry = LosesAnswers(three.root / "registry", applies=True, answers_later=False)
    answer = three.run(ROLLBACK)
    assert answer.outcome is PENDING
    assert "it is not known whether the registry names it as its production version" in text_of(answer)
