"""Words of others come out as data, whatever they are made of."""

import json

from hypothesis import given
from hypothesis import strategies as st

from tgewatch.mcp.rows import event_row, evidence_row, quoted, time_of
from tgewatch.testing.claims import claim
from tgewatch.testing.polls import NOW, simple_merge


def test_hidden_characters_line_ends_and_markup_are_gone():
    words = "Zo\u200brro\x1b[31m\u202e is\nlive [claim](https://evil.example) <b>@everyone</b>"

    assert quoted(words) == (
        "Zorro is live [claim] (hxxps[:]//evil.example) \u2039b\u203a@\u200beveryone\u2039/b\u203a"
    )


@given(st.text(max_size=400))
def test_no_words_have_a_link_or_a_second_line_or_too_many_characters(words):
    said = quoted(words, 80)

    assert "://" not in said
    assert "\n" not in said
    assert len(said) <= 80 + 3 * said.count("[:]") + said.count("\u200b") + said.count("] (")


def test_a_harmless_link_stays_and_one_with_a_warning_is_defanged():
    good = evidence_row(claim("Merida sets a date"))
    bad = evidence_row(claim("Claim Merida now", flags=("drainer_phrase",)))

    assert good.url.startswith("https://outlet.example/")
    assert (good.suspicious, good.warnings) == (False, ())
    assert bad.url.startswith("hxxps://outlet[.]example/")
    assert bad.suspicious is True
    assert bad.warnings == ("drainer_phrase: for the test",)


def test_the_latest_evidence_comes_first_and_the_rest_is_counted():
    event = None
    for number in range(1, 6):
        one = claim(f"Merida again {number}", when=f"2026-01-0{number}")
        event = simple_merge(one, [event] if event else [], NOW).event

    row = event_row(event)

    assert [one.title[-1] for one in row.evidence] == ["5", "4", "3"]
    assert row.evidence_in_all == 5
    assert json.loads(row.model_dump_json())["evidence"][0]["kind"] == "tge_announced"


def test_times_that_no_calendar_has_are_told_as_the_nearest():
    assert time_of(0.5) == "1970-01-01T00:00:00Z"
    assert time_of(-5.0) == "1970-01-01T00:00:00Z"
    assert time_of(1e18) == "9999-12-31T23:59:59Z"
