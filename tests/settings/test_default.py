"""What ships with the program is right, complete and large enough."""

import tomllib
from urllib.parse import urlsplit

import pytest

from tgewatch.model import Priority
from tgewatch.settings.agree import contradictions
from tgewatch.settings.load import shipped_settings
from tgewatch.settings.locate import shipped_text
from tgewatch.settings.watchlist import same_source

ORIGINAL = [
    "Curvance",
    "Fhenix",
    "Succinct",
    "Caldera",
    "Fabric",
    "TreasureDAO",
    "Camelot",
    "XAI",
    "Huddle01",
    "OpenEden",
    "USD.AI",
    "Espresso",
    "DuckChain",
    "Spacecoin",
    "Clique",
]
KINDS = {
    "medium": "medium.com/",
    "mirror": ".mirror.xyz/",
    "substack": ".substack.com/",
    "discourse": "/latest.rss",
    "releases": "/releases.atom",
}


@pytest.mark.parametrize("name", ORIGINAL)
def test_watches_the_companies_of_the_original(name):
    company = next(c for c in shipped_settings().companies if c.name == name)

    assert company.x_handle
    assert company.domains


def test_polls_at_least_sixty_sources_each_with_its_reason():
    sources = shipped_settings().sources

    assert len(sources) >= 60
    assert all(s.name and s.why and len(s.why) <= 80 for s in sources)
    assert len({same_source(s.url) for s in sources}) == len(sources)


@pytest.mark.parametrize("kind", KINDS)
def test_covers_every_kind_of_place(kind):
    assert any(KINDS[kind] in s.url for s in shipped_settings().sources)


def test_asks_over_tls_only():
    assert {urlsplit(s.url).scheme for s in shipped_settings().sources} == {"https"}


def test_ordinary_words_are_no_companies_without_context():
    ordinary = {"Fabric", "Espresso", "Caldera", "Succinct", "Camelot", "Clique"}

    for company in shipped_settings().companies:
        if company.name in ordinary:
            assert company.context, company.name
            assert company.exclusions, company.name


def test_exclusions_and_context_do_not_contradict_each_other():
    for company in shipped_settings().companies:
        assert not {*map(str.lower, company.context)} & {*map(str.lower, company.exclusions)}


def test_its_entries_agree_with_each_other():
    raw = tomllib.loads(shipped_text())

    assert contradictions(raw, {}) == []


def test_every_priority_is_used():
    settings = shipped_settings()

    assert {s.priority for s in settings.sources} == set(Priority)
    assert {c.priority for c in settings.companies} == set(Priority)


def test_tells_the_console_and_nobody_else():
    assert [c.kind for c in shipped_settings().channels] == ["console"]
