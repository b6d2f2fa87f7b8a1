"""Asking about what is unsure: after it is stored, within a budget, and never in its way."""

import asyncio
from dataclasses import replace

import orjson
import pytest
from msgspec import structs

from tgewatch.detect.advice import Advice, opinion_in
from tgewatch.detect.merge import merge
from tgewatch.detect.score import probability
from tgewatch.engine.second_opinion import NOTE, STREAK, WAITING, Purse, SecondOpinions, standing
from tgewatch.errors import MalformedError, RefusedError, TransientError
from tgewatch.model import Kind, Source
from tgewatch.settings import DetectionSettings, SecondOpinionSettings
from tgewatch.testing import ManualClock
from tgewatch.testing.polls import FEED, NOW, claimed, dropped, poll, simple_route
from tgewatch.testing.store import MemoryStore

SOURCE = Source(FEED, "news")
YES = Advice(relevant=True, confidence=1.0, kind=Kind.DATE_SET, reason="it says so", model="m")
NO = replace(YES, relevant=False, kind=None)


class Adviser:
    """Says what it was told to, and keeps the questions."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.asked = []

    async def ask(self, question):
        self.asked.append(question)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer


class Stage:
    runner: asyncio.Runner

    def __init__(self, *answers, store=None, **settings):
        self.clock = ManualClock(NOW)
        self.adviser = Adviser(*answers)
        self.store = store or MemoryStore(merge=merge, route=simple_route)
        self.told = []
        self.settings = SecondOpinionSettings(
            url="https://a.example/v1/messages", model="m", **settings
        )

    def opinions(self):
        return SecondOpinions(
            self.adviser,
            settings=self.settings,
            detection=DetectionSettings(mode="discover"),
            store=self.store,
            clock=self.clock,
            told=lambda: self.told.append(True),
        )

    def play(self, *judged, opinions=None, baseline=False, commit=True):
        """Store items, let them be asked about, and return who was asked."""
        asking = opinions or self.opinions()

        async def story():
            if commit:
                await self.store.commit_poll(poll(*judged))
            async with asking.asking(last=10.0):
                asking.settled(SOURCE, judged, baseline=baseline)

        Stage.runner.run(story())
        return asking

    def trace(self, name="a"):
        (trace,) = Stage.runner.run(self.store.why(f"https://news.example/{name}"))
        return trace


@pytest.fixture(autouse=True)
def one_loop():
    with asyncio.Runner() as Stage.runner:
        yield


def unsure(score=-0.2, name="a", **options):
    """Return an item that is nearly relevant, or just."""
    one = claimed(name, "Merida", **options)
    verdict = replace(
        one.verdict,
        score=score,
        confidence=probability(score),
        why=(structs.replace(one.verdict.why[0], value=score),),
        relevant=score > 0,
    )
    if score > 0:
        return replace(one, verdict=verdict, claim=replace(one.claim, confidence=0.55))
    return replace(one, stage="score", verdict=replace(verdict, kind=None), claim=None)


def test_what_is_nearly_relevant_becomes_so_and_is_told():
    stage = Stage(YES)

    asking = stage.play(unsure(-0.2))

    trace = stage.trace()
    assert trace.record.judged.stage == "event"
    assert trace.event.state.value == "announced"
    assert opinion_in(trace.record.judged.verdict).value == 2.0
    assert opinion_in(trace.record.judged.verdict).detail == "m: it says so"
    assert stage.told == [True]
    assert len(stage.store.told()) == 2  # channels
    assert asking.counts["moved"] == 1


def test_what_is_just_relevant_can_be_taken_back_and_is_no_evidence_any_more():
    stage = Stage(NO)

    stage.play(unsure(0.2))

    trace = stage.trace()
    assert trace.record.judged.stage == "score"
    assert trace.claim is None
    assert Stage.runner.run(stage.store.events()) == []
    assert stage.told == []


def test_what_agrees_leaves_events_as_they_are():
    stage = Stage(replace(YES, kind=None))

    stage.play(unsure(0.2))

    (event,) = Stage.runner.run(stage.store.events())
    assert len(stage.store.told()) == 2  # channels
    assert stage.told == []
    assert event.score > 0.8


@pytest.mark.parametrize(
    ("judged", "baseline"),
    [
        (claimed("a", "Merida"), False),  # sure
        (dropped("a"), False),  # never judged
        (unsure(-3.0), False),
        (unsure(-0.2), True),  # history
    ],
)
def test_nobody_is_asked_about_what_is_sure_or_history(judged, baseline):
    stage = Stage(YES)

    stage.play(judged, baseline=baseline)

    assert stage.adviser.asked == []


def test_an_opinion_is_never_asked_for_twice_on_one_item():
    stage = Stage(replace(YES, confidence=0.55))
    asking = stage.play(unsure(-0.2))
    again = stage.trace().record.judged

    stage.play(again, opinions=asking, commit=False)

    assert len(stage.adviser.asked) == 1


@pytest.mark.parametrize(
    ("error", "cause"),
    [
        (TransientError("x", cause="http_429", retry_after=7.0), "http_429"),
        (TransientError("x", cause="timeout"), "timeout"),
        (RefusedError("x", cause="http_401"), "http_401"),
        (MalformedError("x", cause="opinion_shape"), "opinion_shape"),
        (ZeroDivisionError(), "crash"),
    ],
)
def test_the_local_verdict_stands_when_no_answer_comes_and_the_failure_is_counted(error, cause):
    stage = Stage(error)

    asking = stage.play(unsure(-0.2))

    assert stage.trace().record.judged == unsure(-0.2)
    assert asking.counts[f"failed.{cause}"] == 1


def test_a_store_that_fails_ends_nothing():
    stage = Stage(YES)
    asking = stage.opinions()
    stage.play(unsure(-0.2), opinions=asking)
    stage.store.fails_next(TransientError("full", cause="full"))

    stage.play(unsure(-0.2, name="b"), opinions=asking, commit=False)

    assert asking.counts["failed.full"] == 1


def test_the_calls_of_a_day_are_bounded_also_across_restarts_and_return_the_next_day():
    stage = Stage(YES, calls=2, remembered=0)
    for name in "abc":
        asking = stage.play(unsure(-0.2, name=name))  # each time a new process
    assert len(stage.adviser.asked) == 2
    assert asking.counts["over_budget"] == 1

    stage.clock.advance(86_400.0)
    stage.play(unsure(-0.2, name="d"))

    assert len(stage.adviser.asked) == 3


def test_the_money_of_a_day_is_bounded_by_what_a_question_may_cost():
    rich = {"price_in": 0.0, "price_out": 1_000.0, "tokens": 100}  # ten cents a question at most
    stage = Stage(YES, dollars=0.25, **rich)
    asking = stage.opinions()
    for name in "abcd":
        stage.play(unsure(-0.2, name=name), opinions=asking)
    assert len(stage.adviser.asked) == 2

    frugal = Stage(replace(YES, tokens_out=10), dollars=0.25, **rich)
    asking = frugal.opinions()
    for name in "abcd":
        frugal.play(unsure(-0.2, name=name), opinions=asking)
    assert len(frugal.adviser.asked) == 4
    spent = standing(Stage.runner.run(frugal.store.note(NOTE)), frugal.settings, NOW)
    assert spent["dollars"] == pytest.approx(0.04)
    assert spent["calls"] == 4


def test_a_question_is_booked_before_it_is_asked():
    stage = Stage(YES)

    async def dies(_):
        assert orjson.loads(await stage.store.note(NOTE))["calls"] == 1
        raise TransientError("killed", cause="killed")

    stage.adviser.ask = dies
    stage.play(unsure(-0.2))

    assert Purse.read(Stage.runner.run(stage.store.note(NOTE))).calls == 1


def test_one_text_is_asked_about_once_wherever_it_appears_until_the_answer_is_old():
    stage = Stage(YES, ttl=3_600.0)
    copy = unsure(-0.2, name="b")
    copy = replace(copy, item=replace(unsure().item, key=copy.item.key, url=copy.item.url))
    stage.play(unsure(-0.2))

    asking = stage.play(copy)
    assert (len(stage.adviser.asked), asking.counts["remembered"]) == (1, 1)
    assert stage.trace("b").record.judged.stage == "event"

    stage.clock.advance(3_601.0)
    stage.play(replace(copy, item=replace(copy.item, key="c", url="https://news.example/c")))
    assert len(stage.adviser.asked) == 2


@pytest.mark.parametrize("note", [b"", b"x", b"[]", b'{"day": 1}', b'{"day":"","calls":"x"}'])
def test_a_note_that_cannot_be_read_counts_as_nothing(note):
    assert Purse.read(note) == Purse()


def test_an_answer_that_is_not_of_our_writing_is_not_remembered():
    purse = Purse()
    purse.answers["a"] = {"at": NOW, "kind": "moon"}

    assert purse.remembered("a", NOW, 9.0) is None


def test_no_more_answers_are_kept_than_wanted():
    purse = Purse()
    for number in range(9):
        purse.remember(str(number), YES, NOW + number, 3)

    assert list(purse.answers) == ["6", "7", "8"]
    assert Purse.read(purse.written()) == purse


def test_an_endpoint_that_names_a_time_is_left_alone_until_then():
    stage = Stage(TransientError("x", cause="http_429", retry_after=100.0), YES)
    asking = stage.play(unsure(-0.2))
    stage.clock.advance(99.0)
    stage.play(unsure(-0.2, name="b"), opinions=asking)
    assert (len(stage.adviser.asked), asking.counts["paused"]) == (1, 1)

    stage.clock.advance(2.0)
    stage.play(unsure(-0.2, name="c"), opinions=asking)

    assert len(stage.adviser.asked) == 2


def test_an_endpoint_that_fails_again_and_again_is_left_alone_for_a_while():
    stage = Stage(MalformedError("x", cause="opinion_prose"))
    asking = stage.opinions()
    for number in range(STREAK + 4):
        stage.play(unsure(-0.2, name=f"n{number}"), opinions=asking)

    assert len(stage.adviser.asked) == STREAK
    stage.clock.advance(601.0)
    stage.play(unsure(-0.2, name="later"), opinions=asking)
    assert len(stage.adviser.asked) == STREAK + 1


def test_a_wrong_key_is_not_tried_again_soon():
    stage = Stage(RefusedError("x", cause="http_401"))
    asking = stage.play(unsure(-0.2))
    stage.play(unsure(-0.2, name="b"), opinions=asking)

    assert len(stage.adviser.asked) == 1


def test_what_finds_no_place_keeps_its_local_verdict():
    asking = Stage(YES).opinions()

    asking.settled(SOURCE, [unsure(-0.2, name=f"n{n}") for n in range(WAITING + 3)], baseline=False)

    assert asking.counts["no_place"] == 3


def test_an_endpoint_that_never_answers_holds_up_nobody_and_the_end_only_so_long():
    stage = Stage(YES)

    async def never(_):
        await asyncio.Event().wait()

    stage.adviser.ask = never
    asking = stage.opinions()

    async def story():
        async with asking.asking(last=0.01):
            asking.settled(SOURCE, [unsure(-0.2)], baseline=False)
            stored = await asyncio.wait_for(stage.store.commit_poll(poll(claimed("z", "Foo"))), 5)
            assert stored.new == 1

    Stage.runner.run(story())
    assert asking.counts["asked"] == 1


def test_an_edited_text_is_not_judged_by_an_answer_about_the_old_one():
    stage = Stage(YES)
    old = unsure(-0.2)
    Stage.runner.run(stage.store.commit_poll(poll(old)))
    edited = replace(old, item=replace(old.item, title="Corrected"), edited=True)
    Stage.runner.run(stage.store.commit_poll(poll(edited, at=NOW + 1)))

    stage.play(old, commit=False)

    assert stage.trace().record.judged.stage == "score"
