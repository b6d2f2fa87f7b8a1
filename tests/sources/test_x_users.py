import asyncio

import orjson
import pytest

from tgewatch.errors import RefusedError, TransientError
from tgewatch.rules.ledger import Urgency
from tgewatch.sources.x_users import BATCH, NOTE, Users, ids_for
from tgewatch.testing.clock import ManualClock
from tgewatch.testing.x_caller import MemoryNotes

DAY = 86_400.0


class Phonebook:
    """A client that knows some names, and counts how often it is asked."""

    def __init__(self, names):
        self.names = names
        self.asked = []
        self.error = None

    async def users(self, handles, *, urgency=Urgency.NORMAL, patience=60.0):
        from tgewatch.parse.x import Account, Accounts  # noqa: PLC0415 - for this answer alone

        del patience
        self.asked.append((list(handles), urgency))
        if self.error:
            raise self.error
        found = [Account(self.names[h], h.title()) for h in handles if h in self.names]
        return Accounts(tuple(found))


@pytest.fixture
def stage():
    class Stage:
        book = Phonebook({"foo": "7", "bar": "8"})
        notes = MemoryNotes()
        clock = ManualClock()

        def users(self):
            return Users(self.book, notes=self.notes, clock=self.clock, fresh=30 * DAY)

    Stage.book, Stage.notes, Stage.clock = (
        Phonebook({"foo": "7", "bar": "8"}),
        MemoryNotes(),
        ManualClock(),
    )
    return Stage()


def ask(users, handles, **more):
    return dict(asyncio.run(users.lookup(handles, **more)))


def test_names_are_found_however_they_are_written(stage):
    assert ask(stage.users(), ["@Foo", "BAR ", "foo"]) == {"foo": "7", "bar": "8"}
    assert len(stage.book.asked) == 1


def test_a_name_is_asked_for_once_and_kept_across_processes(stage):
    ask(stage.users(), ["foo"])

    assert ask(stage.users(), ["foo"]) == {"foo": "7"}
    assert len(stage.book.asked) == 1


def test_a_hundred_names_are_one_call(stage):
    ask(stage.users(), [f"n{i}" for i in range(250)])

    assert [len(names) for names, _ in stage.book.asked] == [BATCH, BATCH, 50]


def test_a_name_that_nobody_has_is_not_asked_for_again_for_a_day(stage):
    users = stage.users()
    assert ask(users, ["nobody"]) == {}
    assert ask(users, ["nobody"]) == {}
    assert len(stage.book.asked) == 1

    stage.clock.advance(DAY + 1)
    ask(users, ["nobody"])
    assert len(stage.book.asked) == 2


@pytest.mark.parametrize(
    ("passed", "age", "calls"), [(3_000, 0, 1), (3_700, 0, 2), (3_700, 7_200, 1)]
)
def test_nobody_gets_fresher_names_than_an_hour(stage, passed, age, calls):
    users = stage.users()
    ask(users, ["foo"])
    stage.clock.advance(passed)

    ask(users, ["foo"], age=age)

    assert len(stage.book.asked) == calls


def test_old_names_serve_until_they_are_refreshed(stage):
    users = stage.users()
    ask(users, ["foo"])
    stage.clock.advance(31 * DAY)

    assert ask(users, ["foo"]) == {"foo": "7"}
    assert len(stage.book.asked) == 1
    asyncio.run(users.refresh())

    assert stage.book.asked[1] == (["foo"], Urgency.BACKGROUND)
    asyncio.run(users.refresh())
    assert len(stage.book.asked) == 2


def test_a_refresh_that_fails_costs_no_name(stage):
    users = stage.users()
    ask(users, ["foo"])
    stage.clock.advance(31 * DAY)
    stage.book.error = TransientError("no answer")

    asyncio.run(users.refresh())

    assert ask(users, ["foo"]) == {"foo": "7"}


def test_what_was_found_before_a_failure_is_kept(stage):
    users = stage.users()
    ask(users, ["foo"])
    stage.book.error = TransientError("no answer")

    with pytest.raises(TransientError):
        ask(users, ["foo", "new"])

    assert ask(users, ["foo"]) == {"foo": "7"}


def test_authors_are_known_by_their_ids(stage):
    users = stage.users()
    ask(users, ["foo"])

    assert users.handle("7") == "foo"
    assert users.handle("9") == ""


@pytest.mark.parametrize("note", [b"", b"{", b"[]", b'{"foo": 5}', b'{"foo": ["7"]}'])
def test_a_note_that_cannot_be_read_is_none(stage, note):
    stage.notes.kept[NOTE] = note

    assert ask(stage.users(), ["foo"]) == {"foo": "7"}


def test_what_is_noted_is_small_and_plain(stage):
    ask(stage.users(), ["foo", "nobody"])

    assert orjson.loads(stage.notes.kept[NOTE]) == {
        "foo": ["7", stage.clock.now()],
        "nobody": ["", stage.clock.now()],
    }


def test_an_app_that_may_not_look_up_goes_without(stage):
    stage.book.error = RefusedError("X says 403", cause="x_forbidden")
    assert dict(asyncio.run(ids_for(stage.users(), ["foo"]))) == {}

    stage.book.error = RefusedError("X says 401", cause="x_unauthorized")
    with pytest.raises(RefusedError):
        asyncio.run(ids_for(stage.users(), ["foo"]))
