"""Which claims meet in one event, in whatever order they come and however often they are read."""

from dataclasses import replace
from itertools import permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tgewatch.detect.choice import APART, candidate_keys, event_keys
from tgewatch.detect.correct import split
from tgewatch.detect.merge import merge
from tgewatch.model import Kind, State
from tgewatch.testing.claims import claim, day

PROJECTS = (
    # name, further names, ticker, how the ticker is written where it stands for the name
    ("TreasureDAO", ("Treasure DAO", "TreasureDAO Labs"), "MAGIC", "MAGIC"),
    ("Zorblat Finance", ("Zorblat", "Zorblat Labs"), "ZORB", "ZORB"),
    ("Lumara", ("Lumara Network", "LUMARA"), "LUM", "LUM"),
    ("OpenHarbor", ("Open Harbor", "OpenHarbor Foundation"), "SEA", "SEA"),
    ("Quexis Chain", ("Quexis", "QUEXIS CHAIN"), "MOON", ""),
)
"""MOON is an ordinary word, so that its ticker alone is no name."""


HEADLINES = (
    "a token is on its way, says the team",
    "what holders should know about the coming supply",
    "governance vote clears path for own coin",
    "foundation unveils distribution plan for early users of the network",
    "why this launch matters to the sector",
    "community gets its share of the treasury at last",
    "token design explained by its authors in a long post",
)


class Told:
    """Events as a store keeps them, with what was told and recorded of them."""

    def __init__(self):
        self.events = {}
        self.told = []
        self.steps = {}

    def hears(self, heard):
        found = [e for e in self.events.values() if candidate_keys(heard) & event_keys(e)]
        held = [e for e in self.events.values() if any(c.id == heard.id for c in e.claims)]
        merged = merge(heard, [*held, *(e for e in found if e not in held)], heard.seen)
        for gone in merged.gone:
            del self.events[gone]
        for one in (*merged.left, merged):
            if one.event is not None:
                self.events[one.event.id] = one.event
                self.steps.setdefault(one.event.id, []).extend(one.transitions)
        self.told += [step.change for step in merged.transitions if step.tell]
        return merged

    @property
    def parted(self):
        """Which claims are together."""
        return {frozenset(c.id for c in e.claims) for e in self.events.values()}


def hear(*claims):
    told = Told()
    for one in claims:
        told.hears(one)
    return told


def readings(project, number):
    """Return claims that name one project in every way, the one with both name and ticker first."""
    name, others, ticker, symbol = project
    forms = [(name, ticker), *((other, "") for other in others), (name, "")]
    forms += [("", ticker), *([(symbol, ""), (symbol, ticker)] if symbol else [])]
    return [
        claim(
            f"{form or tick}: {HEADLINES[n]}",
            when=f"2026-01-{1 + n:02}",
            project=form,
            ticker=tick,
            outlet=f"{n}-{number}.example",
        )
        for n, (form, tick) in enumerate(forms)
    ]


EVERYTHING = [readings(project, number) for number, project in enumerate(PROJECTS)]


@given(st.permutations([one for group in EVERYTHING for one in group]))
@settings(max_examples=40, deadline=None)
def test_any_order_of_the_same_claims_makes_one_event_a_project(order):
    told = hear(*order)

    assert told.parted == {frozenset(c.id for c in group) for group in EVERYTHING}
    shown = {event.project.casefold().replace(" ", "") for event in told.events.values()}
    assert not shown & {ticker.casefold() for _, _, ticker, _ in PROJECTS}


@given(st.permutations(EVERYTHING[0]))
@settings(max_examples=40, deadline=None)
def test_what_is_known_in_the_end_does_not_depend_on_the_order(order):
    (event,) = hear(*order).events.values()

    assert event.ticker == "MAGIC"
    assert event.state is State.ANNOUNCED
    assert event.sources == len(order)
    assert [c.id for c in event.claims] == [c.id for c in EVERYTHING[0]]


NAMES = ("Nova", "Nova Finance", "Nova Chain", "Novara", "Terra Nova", "Spark", "Sparkle", "Pulse")
TICKERS = ("", "NOVA", "SPARK", "PULSE", "TOKEN")


@given(
    st.lists(st.tuples(st.sampled_from(NAMES), st.sampled_from(TICKERS)), min_size=1, max_size=12)
)
@settings(max_examples=100, deadline=None)
def test_no_event_ever_holds_two_tickers_or_two_names_that_stand_for_different_things(said):
    told = hear(
        *(
            claim(f"{name} {ticker} {n}", project=name, ticker=ticker, outlet=f"{n}.example")
            for n, (name, ticker) in enumerate(said)
        )
    )

    for event in told.events.values():
        assert len({c.ticker for c in event.claims} - {""}) <= 1
        held = {c.project for c in event.claims}
        assert not {"Nova Finance", "Nova Chain"} <= held or event.ticker
        assert len(held & {"Novara", "Terra Nova", "Nova"}) <= 1 or event.ticker
        assert not {"Spark", "Sparkle"} <= held
        assert "Pulse" not in held or held == {"Pulse"}
        assert not {"Terra Nova", "Spark"} <= held


@pytest.mark.parametrize("order", list(permutations(range(4))))
def test_two_projects_of_one_ticker_stay_two_in_any_order(order):
    claims = (
        claim("Harbor Pay lists PAY", project="Harbor Pay", ticker="PAY", outlet="a.example"),
        claim("Harbor Pay is live", project="Harbor Pay", outlet="b.example"),
        claim("Zentra unveils PAY", project="Zentra", ticker="PAY", outlet="c.example"),
        claim("Zentra is near", project="Zentra", outlet="d.example"),
    )

    told = hear(*(claims[n] for n in order))

    assert len(told.events) == 2
    assert {frozenset(c.project for c in e.claims) for e in told.events.values()} == {
        frozenset({"Harbor Pay"}),
        frozenset({"Zentra"}),
    }


def test_vague_words_about_two_events_gather_in_one_place():
    told = hear(
        claim("AAA", project="Zorblat", ticker="AAA", outlet="a.example"),
        claim("BBB", project="Zorblat", ticker="BBB", outlet="b.example"),
        *(claim(f"vague {n}", project="Zorblat", outlet=f"v{n}.example") for n in range(5)),
        claim("AAA again", project="Zorblat", ticker="AAA", outlet="c.example"),
    )

    assert sorted(len(e.claims) for e in told.events.values()) == [1, 2, 5]


def test_a_word_in_capitals_is_a_ticker_only_in_a_title_that_is_not_all_capitals():
    known = claim("Treasure MAGIC", project="TreasureDAO", ticker="MAGIC")
    loud = claim("MAGIC LAUNCHES A TOKEN", project="MAGIC", outlet="b.example")
    plain = claim("Magic launches a token", project="Magic", outlet="c.example")
    symbol = claim("MAGIC token launches", project="MAGIC", outlet="d.example")

    assert len(hear(known, loud).events) == 2
    assert len(hear(known, plain).events) == 2
    assert len(hear(known, symbol).events) == 1
    assert len(hear(symbol, known).events) == 1


TITLE = claim("MAGIC token to launch", project="MAGIC", outlet="a.example", name="a")
READ = replace(TITLE, project="TreasureDAO", ticker="MAGIC")


def test_an_article_that_names_the_project_renames_the_event_and_tells_nothing_again():
    told = hear(TITLE, READ)

    (event,) = told.events.values()
    assert (event.project, event.ticker) == ("TreasureDAO", "MAGIC")
    assert told.told == ["announced"]


@pytest.mark.parametrize("turn", range(5))
def test_it_does_not_matter_when_the_article_is_read(turn):
    second = claim("MAGIC launch is near", project="MAGIC", outlet="b.example", when="2026-01-02")
    third = claim("TreasureDAO token", project="TreasureDAO", outlet="c.example", when="2026-01-02")
    fourth = replace(second, id="d", project="TreasureDAO", source="d.example")
    others = [second, third, replace(third, id="c2", source="https://e.example/feed"), fourth]

    told = hear(TITLE, *others[:turn], READ, *others[turn:])

    (event,) = told.events.values()
    assert event.project == "TreasureDAO"
    assert len(event.claims) == 5


def read(one):
    """Return a claim as its article has it: with the project's full name and ticker."""
    name, _, ticker, _ = PROJECTS[next(n for n, group in enumerate(EVERYTHING) if one in group)]
    return replace(one, project=name, ticker=ticker, seen=one.seen + 1)


@given(
    st.permutations([one for group in EVERYTHING[:3] for one in group]),
    st.lists(st.integers(0, 40), min_size=21, max_size=21),
)
@settings(max_examples=40, deadline=None)
def test_whenever_the_articles_are_read_the_events_are_those_of_the_articles(order, delays):
    steps = [(n, one) for n, one in enumerate(order)]
    steps += [
        (n + d + 0.5, read(one)) for (n, one), d in zip(enumerate(order), delays, strict=True)
    ]

    told = hear(*(one for _, one in sorted(steps, key=lambda step: step[0])))

    assert told.parted == {frozenset(c.id for c in group) for group in EVERYTHING[:3]}
    names = {event.project for event in told.events.values()}
    assert len(names) == 3
    for one in (e for e in told.events.values() if e.ticker == "MAGIC"):
        assert one.project == "TreasureDAO"


def test_a_lone_claim_whose_article_names_a_known_event_moves_there_and_its_own_event_goes():
    known = claim("TreasureDAO token", project="TreasureDAO", outlet="b.example")
    misread = replace(TITLE, project="Big")
    told = hear(known, misread, replace(TITLE, project="TreasureDAO"))

    (event,) = told.events.values()
    assert len(event.claims) == 2
    assert told.told == ["announced", "announced"]


def test_a_claim_that_leaves_takes_along_what_only_it_had_said():
    opened = replace(TITLE, kind=Kind.LIVE, project="Zorblat", at=TITLE.at + 9)
    told = hear(
        claim("Zorblat announces a token", project="Zorblat", outlet="b.example"),
        opened,
        replace(opened, project="Camelot"),
    )

    states = {event.project: event.state for event in told.events.values()}
    assert states == {"Zorblat": State.ANNOUNCED, "Camelot": State.LIVE}
    (kept,) = (e for e in told.events.values() if e.project == "Zorblat")
    assert told.steps[kept.id][-1].change == "moved"
    assert not told.steps[kept.id][-1].tell
    assert [s.number for s in told.steps[kept.id]] == list(range(1, kept.changes + 1))


def test_a_claim_that_leaves_the_event_it_has_opened_leaves_it_its_id():
    told = hear(TITLE, claim("MAGIC nears", project="MAGIC", ticker="MAGIC", outlet="b.example"))
    (event,) = told.events

    told.hears(replace(TITLE, company="Another Magic", ticker="OTHER"))

    assert len(told.events) == 2
    assert [len(e.claims) for e in told.events.values()] == [1, 1]
    assert told.events[event].claims[0].title == "MAGIC nears"


def test_a_better_date_of_a_claim_never_moves_it_where_the_user_has_put_it():
    one = claim("Zorblat announces", project="Zorblat", outlet="a.example", name="a")
    two = claim("Zorblat, another", project="Zorblat", outlet="b.example", name="b")
    told = hear(one, two)
    (event,) = told.events.values()
    for half in split(event, {two.id}, two.seen):
        told.events[half.event.id] = half.event
    assert all(APART in e.pinned for e in told.events.values())

    told.hears(replace(two, kind=Kind.DATE_SET, date=day("2026-05-12")))
    told.hears(
        claim("Zorblat and ZORB", project="Zorblat", ticker="ZORB", outlet="c.example", name="c")
    )

    assert len(told.events) == 2
    (moved,) = (e for e in told.events.values() if any(c.id == two.id for c in e.claims))
    assert moved.date == day("2026-05-12")


def test_events_that_one_claim_joins_are_recorded_as_merged_and_told_once():
    name = claim("TreasureDAO plans a token", project="TreasureDAO", outlet="a.example")
    ticker = claim("MAGIC token", project="MAGIC", outlet="b.example")
    both = claim("TreasureDAO MAGIC", project="TreasureDAO", ticker="MAGIC", outlet="c.example")

    told = hear(name, ticker, both)

    (event,) = told.events.values()
    assert [s.change for s in told.steps[event.id]] == ["announced", "merged"]
    assert told.told == ["announced", "announced"]
    assert [s.number for s in told.steps[event.id]] == [1, 2]
