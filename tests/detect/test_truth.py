import pytest

from tgewatch.detect.truth import truth_of
from tgewatch.errors import MalformedError

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
