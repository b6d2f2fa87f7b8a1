import pytest
from hypothesis import given
from hypothesis import strategies as st

from tgewatch.detect import lexicon
from tgewatch.detect.match import Matcher
from tgewatch.model import Company, Item
from tgewatch.settings.detecting import DetectionSettings, Terms

VELTHAR = Company(
    name="Velthar",
    aliases=("Velthar Labs",),
    tickers=("VLT",),
    x_handle="velthar_xyz",
    domains=("velthar.org",),
)
GROVE = Company(name="Grove")


def item(title, summary="", source="https://news.example/feed", url=""):
    return Item(source=source, key="k", url=url, title=title, summary=summary)


def matcher(mode="watch", **settings):
    return Matcher(
        (VELTHAR, GROVE), DetectionSettings(mode=mode, **settings), lexicon=lexicon.shipped()
    )


def test_watching_needs_a_term_and_a_company():
    found = matcher().scan(item("Velthar reveals token plans"))

    assert {m.company for m in found} == {"", "Velthar"}
    assert matcher().scan(item("Velthar hires a lawyer")) == ()
    assert matcher().scan(item("Brixon reveals token plans")) == ()


def test_discovery_needs_a_term_only():
    assert matcher("discover").scan(item("Brixon reveals token plans"))
    assert matcher("discover").scan(item("Brixon hires a lawyer")) == ()


def test_a_companys_own_source_need_not_name_it():
    post = item("Our airdrop is live")

    assert matcher().scan(post) == ()
    assert matcher().scan(post, official="Velthar")
    assert matcher().scan(item("Our airdrop is live", source="https://blog.velthar.org/rss"))
    assert matcher().scan(item("Our airdrop is live", source="https://notvelthar.org/rss")) == ()


@pytest.mark.parametrize("title", ["tokenizer library", "broken", "airdropsy", "xveltharx token"])
def test_terms_and_names_stand_as_words_of_their_own(title):
    assert not any(m.company or m.term in title.split() for m in matcher().find([]))
    assert matcher().scan(item(title)) == ()


def test_names_that_are_ordinary_words_must_agree_in_case():
    assert matcher().scan(item("Grove token launch"))
    assert matcher().scan(item("a token launch in the grove")) == ()


def test_tickers_count_in_capitals_only():
    assert any(m.tier == "ticker" for m in matcher().scan(item("VLT token launch")))
    assert matcher().scan(item("vlt token launch")) == ()


def test_scripts_without_spaces_are_matched():
    assert matcher("discover").scan(item("某项目宣布空投计划"))


def test_the_users_terms_and_patterns_are_added():
    mine = Terms(
        tier="mine", weight=1.0, phrases=("moon drop",), patterns=(r"\bseason \d+ rewards\b",)
    )
    found = matcher("discover", terms=(mine,))

    assert [m.tier for m in found.scan(item("The Moon Drop nears"))] == ["mine"]
    (match,) = found.scan(item("Season 12 rewards are out"))
    assert (match.tier, match.span.start, match.span.end) == ("mine", 0, 17)


@given(st.text(max_size=300), st.text(max_size=300))
def test_spans_lie_inside_their_field_whatever_the_text(title, summary):
    entry = item(title, summary)
    for match in matcher("discover").scan(entry):
        text = title if match.span.field == "title" else summary
        assert 0 <= match.span.start < match.span.end <= len(text)
