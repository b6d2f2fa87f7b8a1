"""RFC 9111, section by section."""

from email.utils import formatdate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tgewatch.model import NO_VALIDATORS, Validators
from tgewatch.rules import freshness
from tgewatch.rules.freshness import FOREVER, Use

T = 784111777.0
"""Sun, 06 Nov 1994 08:49:37 GMT, the example of RFC 9110."""
DATE = "Sun, 06 Nov 1994 08:49:37 GMT"
LATER = "Sun, 06 Nov 1994 08:50:37 GMT"

text = st.text(st.characters(min_codepoint=0x20, max_codepoint=0xFF), max_size=80)
names = st.sampled_from(
    ["cache-control", "age", "date", "expires", "etag", "last-modified", "vary", "via"]
)
headers = st.dictionaries(names, text | st.just(DATE) | st.just("max-age=60"))
times = st.floats(-1e9, 1e10)


@pytest.mark.parametrize(
    "spelling", [DATE, "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"]
)
def test_reads_all_three_forms_of_a_date(spelling):
    assert freshness.http_date(spelling) == T


@pytest.mark.parametrize(
    "nonsense",
    ["", "0", "-1", "now", "Sun, 31 Feb 1994 08:49:37 GMT", DATE + ", " + DATE, "9" * 999],
)
def test_a_date_that_cannot_be_read_is_none(nonsense):
    assert freshness.http_date(nonsense) is None


@pytest.mark.parametrize(
    ("cache_control", "expected"),
    [
        ("max-age=60", 60),
        ("MAX-AGE=60, s-maxage=10", 60),
        ('max-age="60"', 60),
        ("max-age = 60", 60),
        ("max-age=60, max-age=60", 60),
        ('private="max-age=5, x", max-age=60', 60),
        ("max-age=00060", 60),
        ("s-maxage=10", None),
        ("max-age=60, max-age=30", 0),
        ("max-age=-5", 0),
        ("max-age=1.5", 0),
        ("max-age=", 0),
        ("max-age", 0),
        ("max-age=" + "9" * 5000, FOREVER),
        ("max-age=4294967296", FOREVER),
    ],
)
def test_max_age_is_read_as_written_and_nonsense_is_stale(cache_control, expected):
    assert freshness.lifetime({"cache-control": cache_control}, received=T) == expected


@pytest.mark.parametrize(
    ("given_headers", "expected"),
    [
        ({"expires": LATER, "date": DATE}, 60),
        ({"expires": LATER}, 60),
        ({"expires": DATE, "date": LATER}, 0),
        ({"expires": "0", "date": DATE}, 0),
        ({"expires": LATER, "date": DATE, "cache-control": "max-age=5"}, 5),
        ({"date": DATE}, None),
    ],
)
def test_expires_counts_from_the_servers_own_date_and_yields_to_max_age(given_headers, expected):
    assert freshness.lifetime(given_headers, received=T) == expected


def test_expires_does_not_depend_on_our_clock():
    said = {"expires": LATER, "date": DATE}

    assert freshness.lifetime(said, received=T + 10**7) == 60


@pytest.mark.parametrize(
    ("value", "expected"),
    [("30", 30), ("30, 5000", 30), ("-30", 0), ("soon", 0), ("9" * 5000, FOREVER)],
)
def test_age_is_the_first_value_and_nonsense_is_none_at_all(value, expected):
    assert freshness.age({"age": value}, requested=T, received=T, now=T) == expected


def test_age_adds_the_time_on_the_way_and_the_time_here():
    assert freshness.age({"age": "10"}, requested=T, received=T + 2, now=T + 7) == 17


def test_a_wrong_clock_ages_nothing_unless_an_old_cache_stood_between():
    direct = {"date": DATE}
    through = {"date": DATE, "via": "1.0 old"}

    assert freshness.age(direct, requested=T + 900, received=T + 900, now=T + 900) == 0
    assert freshness.age(through, requested=T + 900, received=T + 900, now=T + 900) == 900


def test_an_answer_is_fresh_until_its_lifetime_and_not_a_second_longer():
    said = {"cache-control": "max-age=60", "age": "10"}

    assert freshness.use(said, requested=T, received=T, now=T + 49) is Use.FRESH
    assert freshness.use(said, requested=T, received=T, now=T + 50) is Use.REVALIDATE


def test_what_states_no_lifetime_is_always_asked_for_again():
    assert freshness.use({}, requested=T, received=T, now=T) is Use.REVALIDATE


def test_a_stale_answer_serves_while_it_is_revalidated_within_its_window():
    said = {"cache-control": "max-age=60, stale-while-revalidate=30"}

    assert freshness.use(said, requested=T, received=T, now=T + 89) is Use.WHILE_REVALIDATING
    assert freshness.use(said, requested=T, received=T, now=T + 90) is Use.REVALIDATE


@pytest.mark.parametrize("veto", ["must-revalidate", "no-cache"])
def test_a_veto_forbids_every_stale_use(veto):
    said = {"cache-control": f"max-age=60, stale-while-revalidate=30, stale-if-error=30, {veto}"}

    assert freshness.use(said, requested=T, received=T, now=T + 61) is Use.REVALIDATE
    assert not freshness.usable_on_error(said, requested=T, received=T, now=T + 61, window=99)


def test_a_stale_answer_stands_in_for_a_failing_origin_within_the_longer_window():
    said = {"cache-control": "max-age=60, stale-if-error=30"}
    when = {"requested": T, "received": T}

    assert freshness.usable_on_error(said, **when, now=T + 89)
    assert not freshness.usable_on_error(said, **when, now=T + 90)
    assert freshness.usable_on_error(said, **when, now=T + 90, window=60)


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ({"cache-control": "max-age=60", "age": "45"}, 15),
        ({"cache-control": "max-age=60", "age": "99"}, 0),
        ({"cache-control": "max-age=60, no-cache"}, 0),
        ({"cache-control": "no-store"}, 0),
        ({}, None),
    ],
)
def test_fresh_for_is_what_is_left(said, expected):
    assert freshness.fresh_for(said, requested=T, received=T) == expected


def test_the_heuristic_is_a_tenth_of_the_quiet_time_and_never_outdoes_a_statement():
    assert freshness.heuristic({"date": LATER, "last-modified": DATE}, received=T) == 6
    assert freshness.heuristic({"last-modified": DATE}, received=T + 10**8) == 86_400
    assert freshness.heuristic({"last-modified": LATER, "date": DATE}, received=T) is None
    assert freshness.heuristic({"last-modified": DATE, "expires": "0"}, received=T + 99) is None
    assert freshness.heuristic({}, received=T) is None


@pytest.mark.parametrize(
    ("status", "said", "expected"),
    [
        (200, {}, True),
        (410, {}, True),
        (200, {"cache-control": "private, no-cache"}, True),
        (200, {"cache-control": "no-store"}, False),
        (200, {"cache-control": "no-store, must-understand"}, True),
        (299, {"cache-control": "no-store, must-understand"}, False),
        (200, {"vary": "accept, *"}, False),
        (500, {}, False),
        (206, {}, False),
    ],
)
def test_only_what_may_be_kept_is_storable(status, said, expected):
    assert freshness.storable(status, said) is expected


def test_vary_selects_by_the_named_headers_only():
    said = {"vary": "Accept-Language,  accept"}
    asked = {"accept-language": "en,  de", "accept": "a", "user-agent": "x"}

    assert freshness.varies(said) == ("accept", "accept-language")
    assert freshness.selects(said, asked, {"accept-language": "en, de", "accept": "a"})
    assert not freshness.selects(said, asked, {"accept-language": "fr", "accept": "a"})
    assert not freshness.selects(said, asked, {"accept": "a"})
    assert not freshness.selects({"vary": "*"}, asked, asked)
    assert freshness.selects({}, asked, {})


@pytest.mark.parametrize(
    ("one", "other", "strong", "weak"),
    [
        ('W/"1"', 'W/"1"', False, True),
        ('W/"1"', 'W/"2"', False, False),
        ('W/"1"', '"1"', False, True),
        ('"1"', '"1"', True, True),
        ("bare", "bare", False, False),
    ],
)
def test_entity_tags_compare_as_rfc_9110_tabulates(one, other, strong, weak):
    assert freshness.strong_match(one, other) is strong
    assert freshness.weak_match(one, other) is weak


def test_validators_go_back_as_they_came_even_without_quotes():
    said = {"etag": "bare-Tag", "last-modified": DATE, "date": LATER}

    assert freshness.validators(said) == Validators("bare-Tag", DATE)


@pytest.mark.parametrize(
    "said",
    [
        {"etag": "x" * 5000},
        {"etag": '"a\x01b"'},
        {"last-modified": "yesterday"},
        {"last-modified": "Mon, 06 Nov 2034 08:49:37 GMT", "date": DATE},
    ],
)
def test_validators_that_would_do_harm_are_not_sent(said):
    assert freshness.validators(said) == NO_VALIDATORS


def test_the_newest_tag_is_sent_next_also_when_it_came_on_a_304():
    sent = Validators('"old"', DATE)

    assert freshness.renewed(sent, {"etag": '"new"'}) == Validators('"new"', DATE)
    assert freshness.renewed(sent, {}) == sent


def test_only_known_validators_make_a_request_conditional():
    assert freshness.conditional(NO_VALIDATORS) == ()
    assert dict(freshness.conditional(Validators('"1"', DATE))) == {
        "If-None-Match": '"1"',
        "If-Modified-Since": DATE,
    }


def test_a_304_renews_the_stored_headers_but_not_what_describes_the_body():
    stored = {"etag": '"1"', "age": "100", "content-length": "9", "x": "kept"}
    update = {
        "etag": '"2"',
        "content-length": "0",
        "content-encoding": "gzip",
        "connection": "x-hop",
        "x-hop": "1",
        "cache-control": "max-age=5",
    }

    assert freshness.merged(stored, update) == {
        "etag": '"2"',
        "content-length": "9",
        "x": "kept",
        "cache-control": "max-age=5",
    }
    assert freshness.merged(stored, {"age": "3"})["age"] == "3"


@given(said=headers, requested=times, received=times, now=times)
def test_no_header_breaks_a_rule_or_makes_a_number_negative(said, requested, received, now):
    when = {"requested": requested, "received": received}

    assert freshness.age(said, **when, now=now) >= 0
    assert (freshness.lifetime(said, received=received) or 0) >= 0
    assert (freshness.fresh_for(said, **when) or 0) >= 0
    assert (freshness.heuristic(said, received=received) or 0) >= 0
    assert freshness.use(said, **when, now=now) in Use
    freshness.usable_on_error(said, **when, now=now)
    freshness.validators(said)
    freshness.storable(200, said)


@given(said=headers, sooner=st.floats(0, 1e6), later=st.floats(0, 1e6))
def test_nothing_grows_fresher_with_time(said, sooner, later):
    when = {"requested": T, "received": T}
    first = freshness.use(said, **when, now=T + min(sooner, later))
    second = freshness.use(said, **when, now=T + max(sooner, later))

    order = [Use.FRESH, Use.WHILE_REVALIDATING, Use.REVALIDATE]
    assert order.index(first) <= order.index(second)


@given(stored=headers, update=headers)
def test_merging_the_same_304_twice_changes_nothing_more(stored, update):
    once = freshness.merged(stored, update)

    assert freshness.merged(once, update) == once


@given(moment=st.integers(0, 4_000_000_000))
def test_a_date_that_was_written_is_read_back(moment):
    assert freshness.http_date(formatdate(moment, usegmt=True)) == moment


@given(
    st.integers(0, 99),
    st.sampled_from(["Jan", "Feb", "Dec", "Foo"]),
    st.sampled_from(["0000", "0099", "1970", "2024", "9999"]),
    st.sampled_from(["00:00:00", "23:59:60", "24:00:00", "12:60:00", "12:30:61"]),
)
def test_the_usual_form_of_a_date_says_what_it_says_with_an_offset(day, month, year, time):
    date = f"Thu, {day:02} {month} {year} {time}"

    assert freshness.http_date(f"{date} GMT") == freshness.http_date(f"{date} +0000")
