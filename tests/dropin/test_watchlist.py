"""From the lists that a pipeline holds to what the program watches."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tgewatch.dropin.watchlist import (
    KNOWN_WEIGHT,
    NEW_WEIGHT,
    companies_of,
    identity,
    keywords_of,
    settings_for,
    sources_of,
)
from tgewatch.errors import ConfigError
from tgewatch.model import Priority
from tgewatch.settings.load import shipped_settings


def test_a_company_is_a_name_or_a_dict_with_more():
    plain, full = companies_of(
        [
            " Lumara ",
            {
                "name": "Velkora",
                "aliases": ["Velkora Labs", "Velkora Labs", " "],
                "tokens": ["$vlk", "VLK"],
                "exclusions": "velkora street",
                "priority": "HIGH",
                "status": "pre_token",
            },
        ]
    )

    assert plain.name == "Lumara"
    assert full.aliases == ("Velkora Labs",)
    assert full.tickers == ("VLK",)
    assert full.exclusions == ("velkora street",)
    assert full.priority is Priority.HIGH


def test_what_comes_twice_counts_once():
    assert len(companies_of(["a", {"name": "a"}])) == 1
    assert keywords_of(["TGE", "TGE", "  "]) == ("TGE",)
    assert [s.url for s in sources_of(["http://x/", "http://x/", {"url": "http://y/"}])] == [
        "http://x/",
        "http://y/",
    ]


def test_a_source_is_called_by_its_name_or_its_host():
    named, plain, odd = sources_of(
        [{"url": "http://x.example/f", "name": "X"}, "http://y.example/f", "http://[odd"]
    )

    assert (named.name, plain.name, odd.name) == ("X", "y.example", "http://[odd")


def test_the_same_lists_have_one_identity_and_others_another():
    def name(companies, keywords, urls):
        return identity(companies_of(companies), keywords_of(keywords), sources_of(urls))

    first = name(["a", "b"], ["x", "y"], ["http://1/", "http://2/"])
    assert first == name(["b", "a"], ["y", "x"], ["http://2/", "http://1/"])
    others = {
        name(["a"], ["x", "y"], ["http://1/", "http://2/"]),
        name(["a", {"name": "b", "tokens": ["B"]}], ["x", "y"], ["http://1/", "http://2/"]),
        name(["a", "b"], ["x"], ["http://1/", "http://2/"]),
        name(["a", "b"], ["x", "y"], ["http://1/"]),
    }
    assert len(others | {first}) == 5


def test_detection_is_told_how_much_a_phrase_means(tmp_path):
    made = settings_for(
        shipped_settings(),
        companies=companies_of(["a"]),
        keywords=("TGE", "airdrop is live", "zeppelin party"),
        sources=sources_of(["http://x/"]),
        store=tmp_path / "x.db",
    )

    weights = {phrase: t.weight for t in made.detection.terms for phrase in t.phrases}
    assert weights == {
        "TGE": KNOWN_WEIGHT, "airdrop is live": KNOWN_WEIGHT, "zeppelin party": NEW_WEIGHT
    }  # fmt: skip
    assert (made.channels, made.store.database_url) == ((), "")
    assert made.detection.mode == "watch"


def test_without_companies_any_project_counts(tmp_path):
    made = settings_for(
        shipped_settings(), companies=(), keywords=(), sources=(), store=tmp_path / "x.db"
    )

    assert made.detection.mode == "discover"


@given(
    st.lists(
        st.one_of(
            st.text(),
            st.none(),
            st.integers(),
            st.dictionaries(
                st.sampled_from(["name", "aliases", "tokens", "priority"]),
                st.one_of(st.text(), st.lists(st.text()), st.integers()),
            ),
        ),
        max_size=5,
    )
)
def test_whatever_is_listed_is_taken_or_told(listed):
    problems, companies = (), ()
    try:
        companies = companies_of(listed)
    except ConfigError as error:
        problems = error.problems

    assert all(problem.startswith("companies[") for problem in problems)
    assert all(company.name.strip() for company in companies)
    assert len(identity(companies, (), ())) == 16


@pytest.mark.parametrize("make", [keywords_of, sources_of])
@given(given_=st.lists(st.one_of(st.text(), st.none(), st.binary())))
def test_so_are_phrases_and_urls(make, given_):
    try:
        found = make(given_)
    except ConfigError:
        assert not all(isinstance(one, str) for one in given_)
    else:
        assert len(set(found)) == len(found) <= len(given_)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("Lumara", "a text"),
        ({"name": "Lumara"}, "a dict"),
        (None, "None"),
        (7, "a int"),
        (b"Lumara", "a bytes"),
    ],
)
@pytest.mark.parametrize(
    ("what", "take"),
    [
        ("companies", companies_of),
        ("keywords", keywords_of),
        ("sources", sources_of),
    ],
)
def test_one_thing_where_many_belong_is_an_error_rather_than_its_letters(what, take, given, said):
    with pytest.raises(ConfigError, match=f"{what}: is {said}, not a list"):
        take(given)


def test_a_generator_is_a_list_too():
    assert keywords_of(word for word in ("TGE", "airdrop")) == ("TGE", "airdrop")
