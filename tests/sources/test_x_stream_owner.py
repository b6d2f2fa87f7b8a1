import asyncio

import pytest

from tgewatch.fetch.ledger import Ledgers
from tgewatch.rules.x_plan import StreamRule
from tgewatch.settings import XSettings
from tgewatch.sources.x_parts import x_parts
from tgewatch.sources.x_stream_owner import LEASE, LOOK, WITHOUT
from tgewatch.swarm.local import LocalLeases
from tgewatch.testing.virtual_loop import VirtualClock, run_virtually
from tgewatch.testing.x_caller import Ears, InProcessCaller, MemoryNotes
from tgewatch.world.x import Account, Archive, FakeX, Post

STREAM = "GET /2/tweets/search/stream"


class Silent(LocalLeases):
    """A server of leases that can be cut off."""

    gone = False

    async def take(self, name, *, seconds):
        return None if self.gone else await super().take(name, seconds=seconds)

    async def keep(self, tenure, *, seconds):
        return False if self.gone else await super().keep(tenure, seconds=seconds)

    async def give(self, tenure):
        if not self.gone:
            await super().give(tenure)


class Stage:
    """Two instances, each with rules of its own, at one X."""

    def __init__(self, *, owned=True, tokens=("token", "token")):
        self.clock = VirtualClock()
        self.archive = Archive()
        self.archive.add_account(Account(7, "foo"))
        self.x = FakeX(self.archive, now=self.clock.now, tokens=dict.fromkeys(tokens, "app"))
        self.leases = Silent(clock=self.clock)
        self.ears = [Ears(self.clock), Ears(self.clock)]
        self.parts = [
            x_parts(
                XSettings(token=token), [], caller=InProcessCaller(self.x, self.clock),
                turns=Ledgers(clock=self.clock), notes=MemoryNotes(), clock=self.clock,
                leases=self.leases if owned else None,
            )
            for token in tokens
        ]  # fmt: skip
        self.tasks = []

    def rule(self, number):
        return StreamRule(f"from:foo word{number}", f"tgewatch:medium/{number}")

    async def start(self, group):
        for number, parts in enumerate(self.parts):
            run = parts.stream.run(lambda number=number: [self.rule(number)], self.ears[number])
            self.tasks.append(group.create_task(run))
            await self.clock.sleep(2.0)

    def let_somebody_else_take_the_lease(self):
        """And die, so that nobody gives it back."""
        self.leases._held = {
            name: (token + 1, self.clock.monotonic() + LEASE)
            for name, (token, _) in self.leases._held.items()
        }

    def post(self, text):
        at = round(self.clock.now(), 3)
        made = Post(self.archive.next_id(at), 7, text, at)
        self.archive.add(made)
        return made.id


def played(play, **named):
    async def run():
        stage = Stage(**named)
        async with asyncio.TaskGroup() as group:
            await stage.start(group)
            await play(stage)
            for task in stage.tasks:
                task.cancel()
        return stage

    return run_virtually(run())


async def an_hour(stage):
    await stage.clock.sleep(3_600.0)


def test_one_of_two_keeps_the_stream_and_the_other_is_told_to_do_without():
    stage = played(an_hour)
    first, second = stage.ears

    assert (len(first.connections), first.drops) == (1, [])
    assert second.connections == []
    assert set(second.drops) == {("another instance keeps it", WITHOUT)}
    assert 3_600 / LOOK - 5 < len(second.drops) < 3_600 / LOOK + 5


def test_without_leases_two_get_into_each_others_way():
    stage = played(an_hour, owned=False)

    assert sum(len(ears.connections) + len(ears.drops) for ears in stage.ears) > 10


def test_the_rules_of_the_owner_are_those_that_are_held():
    async def play(stage):
        heard = stage.post("word0 of the TGE")
        await stage.clock.sleep(30.0)
        assert stage.ears[0].posts == [heard]

    assert played(play).ears[1].posts == []


def test_who_waited_takes_over_when_the_owner_ends():
    async def play(stage):
        stage.tasks[0].cancel()
        await stage.clock.sleep(LOOK + 5.0)

    stage = played(play)

    assert len(stage.ears[1].connections) == 1


def test_who_waited_takes_over_when_the_owner_is_not_heard_of():
    async def play(stage):
        stage.let_somebody_else_take_the_lease()
        await stage.clock.sleep(LOOK + 1.0)
        assert stage.ears[0].drops[0] == ("another instance took it over", WITHOUT)
        assert [len(ears.connections) for ears in stage.ears] == [1, 0]
        await stage.clock.sleep(LEASE + LOOK + 5.0)

    stage = played(play)

    assert sum(len(ears.connections) for ears in stage.ears) == 2


def test_who_takes_it_back_sends_the_rules_again_that_another_replaced():
    async def play(stage):
        stage.let_somebody_else_take_the_lease()
        await stage.clock.sleep(LOOK + 1.0)
        stage.tasks[1].cancel()
        await stage.parts[1].stream.sync([stage.rule(1)])
        await stage.clock.sleep(LEASE + LOOK + 5.0)
        heard = stage.post("word0 of the TGE")
        await stage.clock.sleep(30.0)
        assert stage.ears[0].posts == [heard]

    played(play)


def test_nobody_listens_while_the_leases_cannot_be_asked_and_one_does_again_after():
    async def play(stage):
        stage.leases.gone = True
        await stage.clock.sleep(600.0)
        assert all(ears.drops for ears in stage.ears)
        assert sum(len(ears.connections) for ears in stage.ears) == 1
        stage.leases.gone = False
        await stage.clock.sleep(LEASE + 2 * LOOK)

    stage = played(play)

    assert sum(len(ears.connections) for ears in stage.ears) == 2


def test_streams_of_two_tokens_are_two():
    stage = played(an_hour, tokens=("token", "other"))

    assert [len(ears.connections) for ears in stage.ears] == [1, 1]


def test_the_name_of_the_lease_does_not_give_the_token_away():
    async def play(stage):
        assert stage.leases._held
        assert not any("token" in name for name in stage.leases._held)

    played(play)


def test_an_error_of_ours_gives_the_lease_back():
    def wrong():
        raise LookupError

    async def run():
        stage = Stage()
        with pytest.raises(ExceptionGroup):
            await stage.parts[0].stream.run(wrong, stage.ears[0])
        return stage.leases._held

    assert run_virtually(run()) == {}
