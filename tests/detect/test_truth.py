import pytest

from tgewatch.detect.truth import row_of_label, truth_of
from tgewatch.errors import MalformedError
from tgewatch.model import Label

ROW = {
    "type": "news",
    "published": "2025-03-05T10:00:00Z",
    "title": "A &amp; B",
    "text": "t",
    "tge_relevant": 1,
    "project": "Quarvo",
    "event_date": "2025-03-18",
    "date_basis": "stated",
}


def test_no_label_is_part_of_the_item():
    truth = truth_of(ROW)

    assert "Quarvo" not in repr(truth.item)
    assert truth.item.title == "A & B"
    assert (truth.relevant, truth.date, truth.post) == (True, "2025-03-18", False)


def test_a_date_counts_only_where_the_text_gives_it():
    assert truth_of({**ROW, "date_basis": "pubdate"}).date == ""


@pytest.mark.parametrize(
    "change", [{"type": None, "title": None}, {"published": "never"}, {"tge_relevant": "x"}]
)
def test_a_broken_row_is_malformed(change):
    row = {**ROW, **change}
    row = {k: v for k, v in row.items() if v is not None}
    with pytest.raises(MalformedError, match="line 7"):
        truth_of(row, number=7)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"type": "nws"}, "type must be news or tweet; it is 'nws'"),
        ({"title": None}, "title must be text; it is null"),
        ({"published": "never"}, "published must be a time such as"),
        ({"tge_relevant": "maybe"}, "tge_relevant must be 1 or 0; it is 'maybe'"),
        ({"tge_relevant": 7}, "tge_relevant must be 1 or 0; it is '7'"),
    ],
)
def test_a_wrong_field_is_named_with_what_it_must_be(change, said):
    with pytest.raises(MalformedError, match=said):
        truth_of({**ROW, **change}, number=7)


def test_a_missing_field_is_named():
    with pytest.raises(MalformedError, match="line 7: title is missing"):
        truth_of({k: v for k, v in ROW.items() if k != "title"}, number=7)


def test_relevance_may_be_a_number_its_text_or_a_truth_value():
    assert [truth_of({**ROW, "tge_relevant": v}).relevant for v in (1, "0", True, False)] == [
        True,
        False,
        True,
        False,
    ]


def test_a_label_without_a_kind_stays_without_one():
    row = row_of_label(Label(relevant=True, text="Quarvo launches QRV\nNow.", at=1.0))

    assert truth_of(row).kind == ""
    assert truth_of(row).item.summary == "Now."
