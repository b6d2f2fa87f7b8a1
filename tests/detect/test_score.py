import pytest
from hypothesis import given
from hypothesis import strategies as st

from tgewatch.detect.reading import Mark
from tgewatch.detect.score import Model, probability, read, shipped
from tgewatch.model import Contribution, Span

MARK = Mark("LAUNCH", "Launches", "launches", 7, 15)
MODEL = Model(
    bias=-1.0,
    weights={"title LAUNCH": 2.0, "summary TOKEN": 0.5, "shape list": -3.0},
    kind_bias={"live": 0.0, "listing": 0.5},
    kinds={"title LAUNCH": {"live": 1.0}, "shape list": {"listing": 0.25, "live": -1.0}},
)


def test_all_that_counts_is_named_with_its_cause_and_place_and_nothing_else():
    found = {"title LAUNCH": MARK, "word unknown": MARK, "summary TOKEN": MARK, "shape list": None}

    assert MODEL.contributions(found, title="title", summary="text") == [
        Contribution("bias", -1.0),
        Contribution("title LAUNCH", 2.0, "Launches", Span("title", 7, 15)),
        Contribution("summary TOKEN", 0.5, "Launches", Span("text", 7, 15)),
        Contribution("shape list", -3.0),
    ]


def test_the_likeliest_kind_has_the_greatest_sum_and_the_bias_decides_where_nothing_is_said():
    assert MODEL.kind({}) == MODEL.kind({"word unknown": None}) == "listing"
    assert MODEL.kind({"title LAUNCH": MARK}) == "live"
    assert MODEL.kind({"title LAUNCH": MARK, "shape list": None}) == "listing"


@given(st.lists(st.sampled_from(sorted(shipped().kinds)), unique=True, max_size=30))
def test_the_shipped_kinds_add_up_feature_by_feature(names):
    model = shipped()
    totals = dict(model.kind_bias)
    for name in names:
        for kind, value in model.kinds[name].items():
            totals[kind] += value

    assert model.kind(dict.fromkeys(names)) == max(totals, key=lambda kind: totals[kind])


def test_a_document_is_read_as_the_model_that_it_describes():
    text = (
        '{"bias": 0.5, "weights": {"a": 1}, "kind_bias": {"live": 0}, "kinds": {"a": {"live": 2}}}'
    )

    assert read(text) == Model(0.5, {"a": 1}, {"live": 0}, {"a": {"live": 2}})


@pytest.mark.parametrize(
    ("score", "chance"), [(0.0, 0.5), (-1e9, 0.0), (1e9, 1.0), (1.0, 0.7310585786300049)]
)
def test_log_odds_are_a_probability_at_any_size(score, chance):
    assert probability(score) == pytest.approx(chance)
