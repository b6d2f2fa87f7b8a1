from dataclasses import replace

from tgewatch.cli.show import date_in_words, event_row, print_events
from tgewatch.cli.times import date_claim_of
from tgewatch.model import DateClaim, Event, Kind, Precision, State


def event(**more):
    base = {"id": "lumara-1", "project": "Lumara", "state": State.DATED, "kind": Kind.DATE_SET}
    return Event(**{**base, "score": 0.9, "created": 1.0, "updated": 2.0, **more})


def test_a_date_is_shown_as_exactly_as_it_is_known():
    written = ("2026-05-12", "2026-05", "2026-Q2", "2026")

    assert tuple(date_in_words(date_claim_of(text)) for text in written) == written
    assert date_in_words(DateClaim(0, 0, Precision.SOON)) == "soon"
    assert date_in_words(None) == ""
    first, second = date_claim_of("2026-Q1"), date_claim_of("2026-Q2")
    assert date_in_words(replace(first, end=second.end)) == "2026-H1"
    assert date_in_words(replace(second, end=date_claim_of("2026-Q3").end)) == "2026-Q2"


def test_the_json_of_an_event_has_what_the_interface_promises():
    row = event_row(event(date=date_claim_of("2026-05-12"), ticker="LUM"))

    assert {"company", "project", "ticker", "kind", "state", "date", "score", "evidence"} <= set(
        row
    )
    assert (row["state"], row["date"], row["ticker"]) == ("dated", "2026-05-12", "LUM")


def test_a_pipe_gets_a_line_an_event_the_surest_first(capsys):
    print_events([event(id="a", score=0.2), event(id="b", score=0.8)], title="two")

    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("state\tproject")
    assert [line.split("\t")[7] for line in lines[1:]] == ["b", "a"]


def test_hostile_names_drive_no_terminal(capsys):
    print_events([event(project="Lu\x1b[31mmara\u202e")], title="one")

    assert "\x1b" not in capsys.readouterr().out
