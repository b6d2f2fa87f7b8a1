import pytest
from hypothesis import given
from hypothesis import strategies as st

from tgewatch.detect.voice import social, voice_of


@pytest.mark.parametrize(
    ("url", "voice"),
    [
        ("https://www.outlet.example/a/b", "outlet.example"),
        ("https://news.outlet.example/a", "outlet.example"),
        ("https://news.outlet.co.uk/a", "outlet.co.uk"),
        ("https://outlet.com.au/a", "outlet.com.au"),
        ("https://x.com/Curvance/status/1", "x.com/curvance"),
        ("https://t.me/s_channel/7", "t.me/s_channel"),
        ("https://medium.com/@curvance/post-1", "medium.com/@curvance"),
        ("https://curvance.medium.com/post-1", "curvance.medium.com"),
        ("https://project.substack.com/p/x", "project.substack.com"),
        ("http://127.0.0.9:8080/a", "127.0.0.9"),
        ("http://127.0.0.9:8080/feed/@w00009", "127.0.0.9/@w00009"),
        ("http://[::1]/a", "::1"),
        ("", ""),
        ("not a url", ""),
        ("http://[broken", ""),
    ],
)
def test_a_voice_is_a_registered_domain_or_an_account_on_a_shared_platform(url, voice):
    assert voice_of(url) == voice


def test_accounts_are_told_from_outlets():
    assert social(voice_of("https://x.com/a/status/1"))
    assert not social(voice_of("https://outlet.example/a"))


@given(st.text())
def test_no_address_breaks_it(url):
    voice_of(url)
