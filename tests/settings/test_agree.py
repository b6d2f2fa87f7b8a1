"""Entries that repeat or contradict each other."""

from hypothesis import given
from hypothesis import strategies as st

from tgewatch.settings.agree import contradictions

SHIPPED = {
    "company": [{"name": "Fhenix", "aliases": ["Fhenix Labs"]}, {"name": "Caldera"}],
    "source": [{"url": "https://news.example/rss"}],
}


def said(own, shipped=None):
    return [(p.path, p.text) for p in contradictions(own, shipped or {})]


def test_what_agrees_is_left_alone():
    own = {
        "extends_default": True,
        "drop_companies": ["caldera"],
        "drop_sources": ["https://news.example/rss/"],
        "company": [{"name": "Mine", "aliases": ["My Own"]}, {"name": "fhenix"}],
        "source": [{"url": "https://a.example/", "company": "MINE"}],
        "channel": [{"name": "x", "companies": ["Fhenix", "mine"]}],
    }

    assert said(own, SHIPPED) == []


def test_repeats_are_named_with_the_first():
    own = {
        "company": [{"name": "Mine"}, {"name": " mine "}],
        "source": [{"url": "https://A.example/feed"}, {"url": "http://a.example/feed/#x"}],
        "channel": [{"name": "x"}, {"name": "X"}],
        "fetch": {"host": [{"host": "a.example"}, {"host": "A.example"}]},
    }

    assert said(own) == [
        (("company", 1, "name"), "repeats company[1]: remove one, or give it another name"),
        (("source", 1, "url"), "repeats source[1]: remove one, or give it another url"),
        (("channel", 1, "name"), "repeats channel[1]: remove one, or give it another name"),
        (("fetch", "host", 1, "host"), "repeats host[1]: remove one, or give it another host"),
    ]


def test_sources_that_differ_in_their_query_are_two():
    own = {"source": [{"url": "https://a.example/?p=1"}, {"url": "https://a.example/?p=2"}]}

    assert said(own) == []


def test_an_alias_belongs_to_one_company():
    own = {"company": [{"name": "Mine", "aliases": ["Fhenix labs", "Caldera"]}]}

    assert said(own, SHIPPED) == [
        (
            ("company", 0, "aliases", 0),
            '"Fhenix labs" is also a name of Fhenix: keep it at one of them',
        ),
        (
            ("company", 0, "aliases", 1),
            '"Caldera" is also a name of Caldera: keep it at one of them',
        ),
    ]


def test_a_dropped_or_replaced_company_gives_its_names_back():
    own = {"drop_companies": ["Fhenix"], "company": [{"name": "Mine", "aliases": ["Fhenix Labs"]}]}
    replaced = {"company": [{"name": "Fhenix", "aliases": []}, {"name": "Fhenix Labs"}]}

    assert said(own, SHIPPED) == []
    assert said(replaced, SHIPPED) == []


def test_companies_that_nobody_knows_are_reported_with_a_guess():
    own = {
        "source": [{"url": "https://a.example/", "company": "Fhenx"}],
        "channel": [{"name": "x", "companies": ["Caldera", "Nobody"]}],
    }

    found = said(own, SHIPPED)

    assert found[0][0] == ("source", 0, "company")
    assert found[0][1].endswith('Did you mean "Fhenix"?')
    assert found[1][0] == ("channel", 0, "companies", 1)
    assert found[1][1] == '"Nobody" is not on the watchlist: add a [[company]] of that name.'


def test_a_source_cannot_be_the_voice_of_a_dropped_company():
    own = {
        "drop_companies": ["Fhenix"],
        "source": [{"url": "https://a.example/", "company": "Fhenix"}],
    }

    assert [path for path, _ in said(own, SHIPPED)] == [("source", 0, "company")]


def test_dropping_needs_something_to_drop():
    assert said({"drop_companies": ["x"]})[0][1].endswith("set extends_default = true")
    assert (
        'no company "Fenix". Did you mean "Fhenix"?'
        in said({"drop_companies": ["Fenix"]}, SHIPPED)[0][1]
    )


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["name", "url", "aliases", "company", "companies"]), inner
        )
    ),
    max_leaves=12,
)
keys = st.sampled_from(["company", "source", "channel", "drop_companies", "drop_sources"])


@given(st.dictionaries(keys, values))
def test_values_of_a_wrong_type_are_left_to_the_models(raw):
    contradictions(raw, SHIPPED)
