import pytest

from tgewatch.detect.marking import Marked, Share, by_type, calibration_error, marks
from tgewatch.detect.truth import truth_of
from tgewatch.model import DateClaim, Kind, Precision, Verdict

MARCH_18 = 1742256000.0


def row(outcome, *, kind="live", confidence=None, **labels):
    relevant, said = outcome in ("hit", "miss"), outcome in ("hit", "alarm")
    truth = truth_of(
        {
            "type": "news",
            "published": "2025-03-05T10:00:00Z",
            "title": "QRV",
            "text": "",
            "tge_relevant": int(relevant),
            "event_kind": kind,
            "project": "Quarvo",
            "ticker": "QRV",
            **labels,
        }
    )
    verdict = Verdict(
        relevant=said,
        score=0.0,
        confidence=confidence if confidence is not None else float(said),
        why=(),
        kind=Kind.LIVE if said else None,
        project="Quarvo Labs",
        ticker="QRV",
        date=DateClaim(MARCH_18, MARCH_18 + 86_400, Precision.DAY),
    )
    return Marked(truth, verdict)


def test_precision_and_recall_count_what_they_say():
    found = marks([row("hit"), row("miss"), row("alarm"), row("quiet")])

    assert (found.precision, found.recall) == (Share(1, 2), Share(1, 2))
    assert found.f1 == pytest.approx(0.5)


def test_what_the_early_filter_dropped_is_not_found():
    dropped = Marked(row("hit").truth, None)

    assert marks([dropped]).recall == Share(0, 1)
    assert marks([]).as_object()["precision"] is None


def test_kinds_are_scored_strictly_and_merged():
    found = marks(
        [
            row("hit", kind="listing"),
            row("hit", kind="live"),
            row("hit", kind="token_sale"),
        ]
    )

    assert (found.kind, found.kind_merged) == (Share(1, 3), Share(2, 3))


def test_a_project_is_right_when_one_name_holds_the_other_or_the_ticker_agrees():
    assert marks([row("hit")]).project == Share(1, 1)
    assert marks([row("hit", project="Lumora")]).project == Share(1, 1)
    assert marks([row("hit", project="Lumora", ticker="LMR")]).project == Share(0, 1)


def test_dates_are_scored_only_where_the_text_gives_one_and_at_its_precision():
    stated = {"date_basis": "stated"}

    assert marks([row("hit", event_date="2025-03-18", **stated)]).date == Share(1, 1)
    assert marks([row("hit", event_date="2025-03", **stated)]).date == Share(0, 1)
    assert marks([row("hit", event_date="2025-03-19", date_basis="pubdate")]).date == Share(0, 0)


def test_calibration_error_is_zero_for_honest_confidence():
    honest = [row("hit" if n < 7 else "alarm", confidence=0.7) for n in range(10)]
    proud = [row("hit" if n < 7 else "alarm", confidence=1.0) for n in range(10)]

    assert calibration_error(honest) == pytest.approx(0.0)
    assert calibration_error(proud) == pytest.approx(0.3)


def test_sure_labels_are_reported_apart():
    rows = [row("hit"), row("miss", confidence=0.2)]

    assert by_type(rows)["news"]["sure"].n == 2
    assert by_type(rows)["tweet"]["all"].n == 0


def test_intervals_hold_the_value_and_narrow_with_more():
    low, high = Share(8, 10).interval()
    tighter = Share(80, 100).interval()

    assert low < 0.8 < high
    assert low < tighter[0] < tighter[1] < high
    assert Share(0, 0).interval() == (0.0, 1.0)


def test_a_label_that_says_no_kind_is_no_wrong_kind():
    found = marks([row("hit"), row("hit", kind=""), row("hit", kind="listing")])

    assert (found.kind, found.kind_merged) == (Share(1, 2), Share(2, 2))
