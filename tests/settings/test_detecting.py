import pytest

from tgewatch.model import Company
from tgewatch.settings.detecting import CompanyRules, DetectionSettings, Terms, problems


def test_settings_that_work_have_no_problems():
    settings = DetectionSettings(
        terms=(Terms(tier="mine", weight=2.0, phrases=("moon drop",), patterns=(r"season \d+",)),),
        company=(CompanyRules(name="Velthar", threshold=0.9, mute=("listing",)),),
    )

    assert problems(settings, (Company(name="Velthar"),)) == []


@pytest.mark.parametrize(
    ("settings", "path"),
    [
        (DetectionSettings(terms=(Terms(tier=" ", weight=1.0, phrases=("a",)),)), ("terms", 0, "tier")),
        (DetectionSettings(terms=(Terms(tier="t", weight=99.0, phrases=("a",)),)), ("terms", 0, "weight")),
        (DetectionSettings(terms=(Terms(tier="t", weight=1.0),)), ("terms", 0)),
        (DetectionSettings(terms=(Terms(tier="t", weight=1.0, phrases=("",)),)), ("terms", 0, "phrases", 0)),
        (DetectionSettings(terms=(Terms(tier="t", weight=1.0, patterns=("(?=a)b",)),)), ("terms", 0, "patterns", 0)),
        (DetectionSettings(terms=(Terms(tier="t", weight=1.0, patterns=("a*",)),)), ("terms", 0, "patterns", 0)),
        (DetectionSettings(company=(CompanyRules(name="Nobody"),)), ("company", 0, "name")),
        (DetectionSettings(company=(CompanyRules(name="Velthar", mute=("party",)),)), ("company", 0, "mute", 0)),
        (DetectionSettings(company=(CompanyRules(name="Velthar", weight=-50.0),)), ("company", 0, "weight")),
    ],
)  # fmt: skip
def test_each_problem_is_told_with_its_path(settings, path):
    ((found, message),) = problems(settings, (Company(name="Velthar"),))

    assert found == path
    assert message


def test_all_problems_are_told_at_once():
    bad = Terms(tier="", weight=99.0, phrases=("",), patterns=("(", "["))

    assert len(problems(DetectionSettings(terms=(bad, bad)))) == 10


def test_a_company_has_one_set_of_rules():
    twice = (CompanyRules(name="Velthar"), CompanyRules(name="Velthar"))

    assert [p for p, _ in problems(DetectionSettings(company=twice))] == [("company", 1, "name")]


def test_a_tier_that_is_there_twice_is_a_problem_since_one_weight_would_be_lost():
    one, other = (Terms(tier="mine", weight=w, phrases=("x",)) for w in (6.0, -6.0))

    ((path, message),) = problems(DetectionSettings(terms=(one, other)))

    assert path == ("terms", 1, "tier")
    assert "'mine' already" in message
    assert problems(DetectionSettings(terms=(one, Terms(tier="b", weight=1, phrases=("x",))))) == []
