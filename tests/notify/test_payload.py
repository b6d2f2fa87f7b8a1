from dataclasses import replace

import orjson
from hypothesis import given
from hypothesis import strategies as st

from tgewatch.model import DateClaim, Link, Notice, Precision
from tgewatch.notify.payload import payload

NOTICE = Notice("source", "broken", "Outlet", "Outlet is broken: timeout", 1_772_366_400.0)
FIELDS = {
    "version", "key", "subject", "change", "headline", "at", "event", "number", "project", "company",
    "ticker", "kind", "state", "date", "date_before", "score", "sources", "why", "flags", "links",
    "conflict", "note", "detail",
}  # fmt: skip


def test_all_fields_are_always_there():
    body = orjson.loads(payload(NOTICE, key="k"))

    assert set(body) == FIELDS
    assert body["at"] == "2026-03-01T12:00:00+00:00"
    assert body["event"] is None
    assert body["links"] == []


def test_a_link_that_cannot_be_followed_safely_is_defanged():
    links = (Link("javascript:alert(1)", "t", "s"), Link("https://a.example/b", "t", "s"))

    shown = orjson.loads(payload(replace(NOTICE, links=links), key="k"))["links"]

    assert [one["suspicious"] for one in shown] == [True, False]
    assert shown[0]["url"] == "javascript[:]alert(1)"


@given(st.floats(), st.text(st.characters(exclude_categories=["Cs"])))
def test_no_value_breaks_it(number, words):
    date = DateClaim(number, number, Precision.DAY, text=words)
    notice = replace(NOTICE, at=number, date=date, score=number, headline=words, note=words)

    assert orjson.loads(payload(notice, key="k"))["headline"] == words
