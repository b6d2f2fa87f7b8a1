import pytest

from tgewatch.engine.x_coverage import Coverage
from tgewatch.model import Company, Priority
from tgewatch.rules.spending import Level
from tgewatch.rules.x_cursor import Cursor
from tgewatch.rules.x_strategy import Strategy
from tgewatch.settings import XSettings

PACKED = Strategy("packed", stream=False, reason="")
LIST = Strategy("list", stream=False, reason="")
TIMELINES = Strategy("timelines", stream=False, reason="")


def companies(*names, priority=Priority.MEDIUM):
    return [Company(name, x_handle=name, priority=priority) for name in names]


def planned(coverage, strategy=PACKED, *, level=Level.ALL):
    shards = coverage.plan(strategy, level=level, keywords=False, refused={})
    coverage.settle(shards)
    return shards


def test_an_account_takes_its_place_along_to_every_strategy():
    coverage = Coverage(XSettings(list_id="7"), companies("foo", "bar"))
    planned(coverage)
    coverage.cursors["recent/medium/0"] = Cursor(50, 5.0)

    for strategy, name in (
        (LIST, "list"),
        (TIMELINES, "timeline/foo"),
        (PACKED, "recent/medium/0"),
    ):
        planned(coverage, strategy)
        assert coverage.cursors[name] == Cursor(50, 5.0)


def test_a_shard_begins_where_the_least_read_of_its_accounts_was_left():
    coverage = Coverage(XSettings(list_id="7"), companies("foo", "bar"))
    planned(coverage, TIMELINES)
    coverage.cursors = {"timeline/foo": Cursor(50, 5.0), "timeline/bar": Cursor(40, 6.0)}

    planned(coverage, LIST)

    assert coverage.cursors == {"list": Cursor(40, 5.0)}


def test_two_shards_that_trade_accounts_read_nothing_too_late():
    coverage = Coverage(XSettings(), companies("foo", "bar"))
    coverage._homes = {"foo": "recent/medium/1", "bar": "recent/medium/0"}
    coverage._members = {"recent/medium/1": ("foo",), "recent/medium/0": ("bar",)}
    coverage.cursors = {"recent/medium/1": Cursor(90, 9.0), "recent/medium/0": Cursor(10, 1.0)}
    coverage._move_in(
        [
            shard
            for name, number in (("foo", 0), ("bar", 1))
            for shard in [_shard(f"recent/medium/{number}", name)]
        ]
    )

    assert coverage.cursors["recent/medium/0"] == Cursor(90, 9.0)
    assert coverage.cursors["recent/medium/1"] == Cursor(10, 1.0)


def _shard(name, handle):
    from tgewatch.rules.x_plan import Shard  # noqa: PLC0415 - for this test alone

    return Shard(name, "recent", f"from:{handle}", Priority.MEDIUM, (handle,))


def test_whoever_is_left_out_for_money_is_read_on_from_there_later():
    watched = companies("foo") + companies("low", priority=Priority.LOW)
    coverage = Coverage(XSettings(), watched)
    planned(coverage)
    coverage.cursors["recent/low/0"] = Cursor(50, 5.0)

    assert [s.name for s in planned(coverage, level=Level.NO_LOW)] == ["recent/medium/0"]
    planned(coverage)

    assert coverage.cursors["recent/low/0"] == Cursor(50, 5.0)


def test_a_restart_goes_on_with_the_same_shards():
    coverage = Coverage(XSettings(), companies(*(f"name{i}" for i in range(60))))
    before = planned(coverage)
    again = Coverage(XSettings(), companies(*(f"name{i}" for i in range(61))))
    again.load(coverage.dump())
    again.cursors = {shard.name: Cursor(50, 5.0) for shard in before}

    after = planned(again)

    homes = {h: s.name for s in after for h in s.handles}
    assert all(homes[h] == s.name for s in before for h in s.handles)
    assert all(again.cursors[s.name] == Cursor(50, 5.0) for s in before)


@pytest.mark.parametrize("note", [None, b"", b"{", b"[]", b'{"bins": 5, "homes": {}}'])
def test_a_note_that_cannot_be_read_is_none(note):
    coverage = Coverage(XSettings(), companies("foo"))
    coverage.load(note)

    assert len(planned(coverage)) == 1


def test_nobody_to_watch_is_nothing_to_ask():
    assert planned(Coverage(XSettings(), [Company("No account")])) == ()
