"""The shipped watchlist and the user's own, as one."""

from hypothesis import given
from hypothesis import strategies as st

from tgewatch.settings.load import shipped_settings
from tgewatch.settings.merge import merged

SHIPPED = {
    "company": [{"name": "Fhenix", "tickers": ["FHE"]}, {"name": "Caldera"}],
    "source": [
        {"url": "https://fhenix.example/feed", "company": "Fhenix"},
        {"url": "https://news.example/rss", "priority": "high", "why": "first"},
    ],
    "channel": [{"name": "console"}],
    "fetch": {"host": [{"host": "medium.com", "spacing": 2}]},
}


def test_an_entry_of_the_same_name_changes_only_what_it_says():
    both = merged(SHIPPED, {"company": [{"name": "FHENIX", "priority": "low"}]})

    assert both["company"] == [
        {"name": "FHENIX", "tickers": ["FHE"], "priority": "low"},
        {"name": "Caldera"},
    ]


def test_a_source_is_the_same_in_other_spellings():
    both = merged(SHIPPED, {"source": [{"url": "http://NEWS.example:80/rss/", "why": "mine"}]})

    assert [s.get("why") for s in both["source"]] == [None, "mine"]
    assert both["source"][1]["priority"] == "high"


def test_new_entries_follow_those_that_ship():
    both = merged(SHIPPED, {"company": [{"name": "Mine"}]})

    assert [c["name"] for c in both["company"]] == ["Fhenix", "Caldera", "Mine"]


def test_a_dropped_company_takes_its_own_voice_along():
    both = merged(SHIPPED, {"drop_companies": ["fhenix"]})

    assert [c["name"] for c in both["company"]] == ["Caldera"]
    assert [s["url"] for s in both["source"]] == ["https://news.example/rss"]


def test_a_dropped_source_leaves_its_company():
    both = merged(SHIPPED, {"drop_sources": ["https://fhenix.example/feed/"]})

    assert len(both["company"]) == 2
    assert len(both["source"]) == 1


def test_channels_of_ones_own_replace_those_that_ship():
    assert merged(SHIPPED, {"channel": [{"name": "mine"}]})["channel"] == [{"name": "mine"}]
    assert merged(SHIPPED, {})["channel"] == [{"name": "console"}]


def test_host_policies_are_merged_by_host_and_tables_key_by_key():
    both = merged(SHIPPED, {"fetch": {"spacing": 3, "host": [{"host": "a.example"}]}})

    assert both["fetch"]["spacing"] == 3
    assert [h["host"] for h in both["fetch"]["host"]] == ["medium.com", "a.example"]


@given(st.sets(st.sampled_from(["Fhenix", "Caldera", "Mine", "Other"])))
def test_merging_twice_changes_nothing_more(names):
    own = {"company": [{"name": name, "priority": "low"} for name in sorted(names)]}
    once = merged(SHIPPED, own)

    assert merged(once, own) == once


def test_a_file_that_extends_the_default_keeps_what_it_does_not_name(desk):
    shipped = shipped_settings()
    settings = desk.load(
        'extends_default = true\ndrop_companies = ["DuckChain"]\n'
        '[[company]]\nname = "Fhenix"\npriority = "low"\n'
        '[[source]]\nurl = "https://mine.example/feed"\ncompany = "Caldera"\n'
    )

    names = {c.name for c in settings.companies}
    assert names == {c.name for c in shipped.companies} - {"DuckChain"}
    assert not [s for s in settings.sources if s.company == "DuckChain"]
    assert settings.sources[-1].company == "Caldera"
    assert settings.channels == shipped.channels
    assert settings.fetch.hosts == shipped.fetch.hosts


def test_a_file_that_does_not_extend_it_has_nothing_of_it(desk):
    settings = desk.load('[[source]]\nurl = "https://mine.example/feed"\n')

    assert (len(settings.sources), len(settings.companies), len(settings.channels)) == (1, 0, 0)
