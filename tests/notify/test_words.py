import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tgewatch.notify.words import bounded, clean, defang, escaped, inert, safe_url


@pytest.mark.parametrize(
    ("hostile", "shown"),
    [
        ("a\x1b[31mred\x1b[0m", "ared"),
        ("a\x1b]8;;http://evil.example\x07link\x1b]8;;\x07", "alink"),
        ("a\x1b]0;title\x1b\\b", "ab"),
        ("a\r\nb\tc", "a b c"),
        ("a\u202egnp.exe", "agnp.exe"),
        ("a\u200b\ufeffb", "ab"),
        ("a\x00\x07b", "ab"),
        ("  much   space ", "much space"),
        ("\U0001f680 to the moon", "\U0001f680 to the moon"),
        ("\x1b", ""),
    ],
)
def test_words_of_others_keep_what_is_visible_and_lose_what_acts(hostile, shown):
    assert clean(hostile, 100) == shown


@given(st.text(), st.integers(0, 50))
def test_cleaned_words_are_bounded_and_hold_no_control_character(text, limit):
    shown = clean(text, limit)

    assert len(shown) <= limit
    assert not any(unicodedata.category(c) in ("Cc", "Cs") for c in shown)


def test_cut_words_end_with_an_ellipsis_and_short_ones_stay():
    assert bounded("abcdef", 4) == "abc\u2026"
    assert bounded("abcd", 4) == "abcd"
    assert bounded("abcd", 0) == ""


@pytest.mark.parametrize("mention", ["@everyone", "@here", "@channel", "@Everyone", "@all"])
def test_nobody_is_mentioned(mention):
    for shown in (inert(f"hello {mention}!"), escaped(f"hello {mention}!")):
        assert mention not in shown


@pytest.mark.parametrize(
    "link", ["<!channel>", "<@U123>", "<http://evil.example|bank>", "[bank](http://evil.example)"]
)
def test_no_mark_up_of_a_chat_service_survives(link):
    shown = inert(link)

    assert "<" not in shown
    assert "](" not in shown


def test_a_handle_in_a_headline_stays_readable():
    assert inert("by @curvance") == "by @curvance"


def test_markdown_is_shown_literally():
    assert escaped("[a](b) *c* _d_") == r"\[a\]\(b\) \*c\* \_d\_"


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://evil.example/claim.php?a=b.c", "hxxps://evil[.]example/claim.php?a=b.c"),
        ("http://user@evil.example", "hxxp://user[@]evil[.]example"),
        ("evil.example/x", "evil[.]example/x"),
        ("HTTPS://EVIL.example", "hxxps://EVIL[.]example"),
        ("", ""),
    ],
)
def test_a_defanged_address_can_be_read_and_not_followed(url, shown):
    assert defang(url) == shown


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "data:text/html,x",
        'https://a.example/"onmouseover=alert(1)',
        "https://user:pw@a.example/",
        "https://a.example/ b",
        "https://\u0430.example/",
        "https:///nohost",
        "https://[broken",
        "https://a.example/" + "x" * 600,
    ],
)
def test_only_plain_web_addresses_become_links(url):
    assert safe_url(url) == ""
    assert safe_url("https://a.example/b?c=d&e=f#g") == "https://a.example/b?c=d&e=f#g"


@given(st.text())
def test_no_text_defangs_into_an_address(text):
    shown = defang(text)

    assert not shown.lower().startswith(("http://", "https://"))
