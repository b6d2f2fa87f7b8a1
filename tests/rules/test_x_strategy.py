import pytest

from tgewatch.rules.spending import Level
from tgewatch.rules.x_strategy import choose
from tgewatch.settings import XSettings

LISTED = XSettings(list_id="7")


def chosen(settings=LISTED, refused=None, level=Level.ALL, **more):
    return choose(settings, refused or {}, level=level, **more)


def test_the_stream_is_first():
    way = chosen()

    assert (way.stream, way.search) == (True, "list")
    assert way.reason == "the filtered stream, and behind it one search over the list"


def test_a_refused_stream_leaves_the_searches():
    way = chosen(refused={"stream": "X says 403"})

    assert (way.stream, way.search) == (False, "list")
    assert "no stream: X says 403" in way.reason


@pytest.mark.parametrize(
    ("settings", "refused", "level", "search", "why"),
    [
        (XSettings(), {}, Level.ALL, "packed", "there is no [x] list_id"),
        (LISTED, {"list": "X says 400"}, Level.ALL, "packed", "refuses the list (X says 400)"),
        (LISTED, {}, Level.NO_LOW, "packed", "leave nobody out"),
        (LISTED, {"recent": "a", "all": "b"}, Level.ALL, "timelines", "refuses searches (a)"),
        (LISTED, {"recent": "a"}, Level.ALL, "list", "one search"),
        (XSettings(strategy="packed"), {}, Level.ALL, "packed", "as [x] strategy says"),
        (XSettings(strategy="timelines"), {}, Level.ALL, "timelines", "as [x] strategy says"),
        (
            XSettings(search_all="never"),
            {"recent": "a"},
            Level.ALL,
            "timelines",
            "refuses",
        ),
    ],
)
def test_says_why_it_searches_as_it_does(settings, refused, level, search, why):
    way = chosen(settings, refused, level)

    assert way.search == search
    assert why in way.reason


def test_a_way_that_is_forced_stays():
    assert chosen(XSettings(strategy="stream"), {"stream": "X says 403"}).stream
    assert not chosen(XSettings(strategy="packed")).stream


def test_only_what_runs_on_can_keep_a_stream():
    assert not chosen(live=False).stream
