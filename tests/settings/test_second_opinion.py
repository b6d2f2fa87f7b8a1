import pytest
from pydantic import ValidationError

from tgewatch.settings.second_opinion import SecondOpinionSettings

URL = "https://api.example.com/v1/chat/completions"


def test_nobody_is_asked_by_default():
    assert not SecondOpinionSettings().on
    assert SecondOpinionSettings(url=URL, model="m").on


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"url": "api.example.com", "model": "m"}, "must be a URL"),
        ({"url": "https://user:key@api.example.com/v1/messages", "model": "m"}, "must be a URL"),
        ({"url": "https://api.example.com/v1", "model": "m"}, "whole address"),
        ({"url": URL}, "needs a model"),
        ({"band": (0.8, 0.2)}, "lower first"),
        ({"band": (-1, 0.2)}, "lower first"),
        ({"style": "other"}, "pattern"),
        ({"bound": 50}, "less than or equal to 5"),
        ({"key": "two words"}, "must be a key"),
    ],
)
def test_what_cannot_work_is_refused_with_the_remedy(wrong, said):
    with pytest.raises(ValidationError, match=said):
        SecondOpinionSettings(**wrong)


def test_the_key_is_never_shown():
    settings = SecondOpinionSettings(url=URL, model="m", key="sk-secret")

    assert "sk-secret" not in repr(settings)
