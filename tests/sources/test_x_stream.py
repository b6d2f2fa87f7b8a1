import asyncio

import pytest

from tgewatch.errors import RefusedError
from tgewatch.fetch.ledger import Ledgers
from tgewatch.rules.x_plan import StreamRule
from tgewatch.settings import XSettings
from tgewatch.sources.x_parts import x_parts
from tgewatch.testing.virtual_loop import VirtualClock, run_virtually
from tgewatch.testing.x_caller import Ears, InProcessCaller, MemoryNotes
from tgewatch.world.x import Account, Archive, FakeX, Faults, Post

SETTINGS = XSettings(token="token")  # noqa: S106 - of a fake
RULE = StreamRule("from:foo TGE", "tgewatch:medium/0")
STREAM, RULES = "GET /2/tweets/search/stream", "POST /2/tweets/search/stream/rules"


def listened(play, *, faults=None, rules=(RULE,), seconds=600.0, tokens=None):
    """Run `play` beside a stream for some seconds, and return what was heard."""

    async def run():
        clock = VirtualClock()
        archive = Archive()
        archive.add_account(Account(7, "foo"))
        fake = FakeX(archive, now=clock.now, faults=faults, tokens=tokens)
        caller = InProcessCaller(fake, clock)
        parts = x_parts(
            SETTINGS, [], caller=caller, turns=Ledgers(clock=clock),
            notes=MemoryNotes(), clock=clock,
        )  # fmt: skip
        ears = Ears(clock)

        def post(text="the TGE"):
            at = round(clock.now(), 3)
            made = Post(archive.next_id(at), 7, text, at)
            archive.add(made)
            return made.id

        async with asyncio.TaskGroup() as group:
            listening = group.create_task(parts.stream.run(lambda: rules, ears))
            await clock.sleep(2.0)
            found = await play(fake, clock, post, caller)
            await clock.sleep(seconds)
            listening.cancel()
        return ears, fake, found, parts

    return run_virtually(run())


async def nothing(fake, clock, post, caller):
    del fake, clock, post, caller


def test_posts_come_by_themselves_and_once():
    async def play(fake, clock, post, caller):
        del fake, caller
        made = []
        for _ in range(5):
            made.append(post())
            post("gm")
            await clock.sleep(30.0)
        return made

    ears, fake, made, _ = listened(play)

    assert sorted(ears.posts) == made
    assert len(ears.connections) == 1
    assert fake.log.calls["GET /2/tweets/search/recent"] == 0


@pytest.mark.parametrize("kind", ["reset", "operational", "stall"])
def test_every_end_is_followed_by_another_connection(kind):
    async def play(fake, clock, post, caller):
        del caller
        await clock.sleep(30.0)
        fake.streams.filtered.drop(kind)
        await clock.sleep(60.0)
        return post()

    ears, _, made, _ = listened(play)

    assert len(ears.connections) == 2
    assert ears.connections[1] - 32.0 < 45.0
    assert made in ears.posts


def test_a_stale_connection_is_cleared():
    async def play(fake, clock, post, caller):
        del caller, post
        await clock.sleep(30.0)
        fake.streams.filtered.drop("reset")
        await clock.sleep(60.0)

    ears, fake, _, _ = listened(play, faults=Faults(stale=600.0))

    assert fake.log.calls["DELETE /2/connections/:endpoint_id"] == 1
    assert len(ears.connections) == 2
    assert "TooManyConnections" in ears.drops[1][0]


def test_connects_stay_within_their_limit():
    ears, fake, _, _ = listened(nothing, faults=Faults(disconnect=3.0), seconds=4_000.0)

    assert sum(fake.log.too_many.values()) == 0
    assert len(ears.connections) > 20


def test_rules_are_made_the_way_they_are_wanted():
    other = StreamRule("from:bar", "tgewatch:low/0")

    async def run():
        clock = VirtualClock()
        fake = FakeX(Archive(), now=clock.now)
        parts = x_parts(
            SETTINGS, [], caller=InProcessCaller(fake, clock),
            turns=Ledgers(clock=clock), notes=MemoryNotes(), clock=clock,
        )  # fmt: skip
        strange = {"add": [{"value": "cats", "tag": "somebody else's"}]}
        await parts.api.change_rules(strange)
        held = []
        for wanted in ([RULE, other], [other], [StreamRule(RULE.value, "tgewatch:high/0"), other]):
            await parts.stream.sync(wanted)
            held.append({(r.value, r.tag) for r in fake.streams.rules.values()})
        calls = sum(fake.log.calls.values())
        await parts.stream.sync(wanted)
        assert sum(fake.log.calls.values()) == calls, "nothing has changed"
        return held

    strange = ("cats", "somebody else's")
    low = ("from:bar", "tgewatch:low/0")
    assert run_virtually(run()) == [
        {strange, low, (RULE.value, RULE.tag)},
        {strange, low},
        {strange, low, (RULE.value, "tgewatch:high/0")},
    ]


def test_posts_of_other_peoples_rules_are_not_ours():
    async def play(fake, clock, post, caller):
        del clock, caller
        fake.handle(
            "POST",
            "/2/tweets/search/stream/rules",
            {},
            {"authorization": "Bearer token"},
            b'{"add":[{"value":"from:foo","tag":"other"}]}',
        )
        return post("gm"), post()

    ears, _, (_, ours), _ = listened(play)

    assert ears.posts == [ours]


def test_a_rule_that_x_refuses_is_an_error():
    async def run():
        clock = VirtualClock()
        fake = FakeX(Archive(), now=clock.now)
        parts = x_parts(
            SETTINGS, [], caller=InProcessCaller(fake, clock),
            turns=Ledgers(clock=clock), notes=MemoryNotes(), clock=clock,
        )  # fmt: skip
        with pytest.raises(RefusedError, match="refuses a rule"):
            await parts.stream.sync([StreamRule("(a", "tgewatch:x")])
        with pytest.raises(RefusedError, match="nothing to listen for"):
            await parts.stream.sync([])

    run_virtually(run())


def test_a_stream_that_is_refused_is_left_alone_for_an_hour():
    ears, fake, _, _ = listened(nothing, tokens={"token": "unenrolled"}, seconds=3_000.0)

    assert len(ears.drops) == 1
    assert ears.drops[0][1] >= 3_600
    assert sum(fake.log.calls.values()) == 1


def test_no_network_is_waited_for():
    async def play(fake, clock, post, caller):
        del post
        caller.cut = True
        fake.streams.filtered.drop("reset")
        await clock.sleep(120.0)
        caller.cut = False

    ears, _, _, _ = listened(play, seconds=60.0)

    assert len(ears.connections) == 2
    assert max(wait for _, wait in ears.drops) <= 16.0


def test_every_post_of_the_stream_has_its_whole_text():
    async def play(fake, clock, post, caller):
        del clock, caller, fake
        return post("word " * 80 + "TGE")

    ears, _, made, _ = listened(play, seconds=30.0)

    assert ears.posts == [made]
