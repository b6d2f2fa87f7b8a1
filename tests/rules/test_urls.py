"""Which addresses may be asked, which are the same, what may be shown."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from yarl import URL

from tgewatch.errors import RefusedError
from tgewatch.rules import urls


@pytest.mark.parametrize(
    "bad",
    [
        "",
        "feed.xml",
        "//host/feed",
        "file:///etc/passwd",
        "ftp://host/",
        "gopher://host/",
        "javascript:alert(1)",
        "data:text/xml,<x/>",
        "http:/host/",
        "http:///path",
        "http://",
        "http://internal\\@public/",
        "http://public\\.internal/",
        "http://user@host/",
        "http://user:pass@host/",
        "http://@host/",
        "http://public#@internal/\\",
        "http://ho st/",
        "http://host/a b",
        "http://host/\r\nX: y",
        "http://host/\x00",
        "http://host\t/",
        "http://host:0/",
        "http://host:65536/",
        "http://host:-1/",
        "http://host:8o/",
        "http://[::1/",
        "http://[::1]80/",
        "http://::1/",
        "http://[fe80::1%25eth0]/",
        "http://[:::]/",
        "http://[1.2.3.4]/",
        "http://a:b:c/",
        "http://.../",
        "http://" + "a" * 5000,
        "http://" + "a" * 64 + ".com/",
        "http://" + "a." * 127 + "com/",
    ],
)
def test_an_address_that_two_parsers_could_read_differently_is_refused(bad):
    with pytest.raises(RefusedError) as caught:
        urls.checked(bad)

    assert caught.value.cause == "bad_url"


@pytest.mark.parametrize(
    ("good", "sent"),
    [
        ("  HTTP://Example.COM/Feed#top\n", "http://example.com/Feed"),
        ("https://example.com", "https://example.com/"),
        ("https://example.com:8443/a?b=c&d=%20e", "https://example.com:8443/a?b=c&d=%20e"),
        ("https://example.com/?q=a%2Fb%3D", "https://example.com/?q=a%2Fb%3D"),
        ("http://bücher.example/ü?ä", "http://xn--bcher-kva.example/%C3%BC?%C3%A4"),
        ("http://[2001:DB8::1]:80/", "http://[2001:db8::1]/"),
        ("http://2130706433/", "http://2130706433/"),
        ("https://medium.com/feed/@name", "https://medium.com/feed/@name"),
        ("http://under_score.example/", "http://under_score.example/"),
    ],
)
def test_a_plain_address_passes_in_one_spelling(good, sent):
    assert urls.checked(good) == sent
    assert urls.checked(sent) == sent


@pytest.mark.parametrize(
    ("location", "expected"),
    [
        ("/b", "https://a.example/b"),
        ("b c", "https://a.example/dir/b%20c"),
        ("?q", "https://a.example/dir/x?q"),
        ("//other.example/", "https://other.example/"),
        ("http://other.example", "http://other.example/"),
    ],
)
def test_a_redirect_is_read_against_where_it_came_from(location, expected):
    assert urls.resolved("https://a.example/dir/x", location) == expected


@pytest.mark.parametrize(
    "location", ["file:///etc/passwd", "http://u@h/", "http://a\\@b/", "/x\r\nSet: y", "http://["]
)
def test_a_redirect_is_checked_like_any_address(location):
    with pytest.raises(RefusedError):
        urls.resolved("https://a.example/", location)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("http://a/x", "http://a:80/y", True),
        ("https://[::1]/x", "https://[::1]:443/y", True),
        ("http://A./x", "http://a/y", True),
        ("http://a/", "https://a/", False),
        ("http://a/", "http://a:8080/", False),
        ("http://a/", "http://b.a/", False),
    ],
)
def test_an_origin_is_scheme_host_and_port(one, other, same):
    assert urls.same_origin(urls.checked(one), urls.checked(other)) is same


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://Example.COM.:8080/a", "example.com"),
        ("https://[2001:DB8::1]:8443/", "2001:db8::1"),
        ("http://127.0.0.1", "127.0.0.1"),
    ],
)
def test_a_host_is_named_without_its_trimmings(url, expected):
    assert urls.host(urls.checked(url)) == expected


@pytest.mark.parametrize(
    ("link", "expected"),
    [
        ("HTTPS://Example.com:443/a/?utm_source=x&utm_medium=y#c", "https://example.com/a/"),
        ("https://example.com/a?id=1&fbclid=2&b=3", "https://example.com/a?id=1&b=3"),
        ("https://example.com./a?", "https://example.com/a"),
        ("https://example.com/%7Euser/%c3%bc", "https://example.com/~user/%C3%BC"),
        ("http://[::1]:8080/a", "http://[::1]:8080/a"),
        ("  not a url ", "not a url"),
    ],
)
def test_links_to_one_page_compare_equal(link, expected):
    assert urls.canonical(link) == expected


@pytest.mark.parametrize(
    "other",
    [
        "http://example.com/a",
        "https://www.example.com/a",
        "https://example.com/a/",
        "https://example.com/A",
        "https://example.com/a?id=1",
        "https://example.com/a?utmost=1",
    ],
)
def test_what_may_be_another_page_stays_apart(other):
    assert urls.canonical(other) != urls.canonical("https://example.com/a")


@pytest.mark.parametrize(
    "secret_url",
    [
        "https://user:hunter2@example.com/x",
        "https://example.com/x?access_token=hunter2&a=1",
        "https://example.com/x?API-Key=hunter2",
        "https://example.com/x?a=1&sig=hunter2#f",
        "https://hooks.example/services/T00/B00/hunter2abcdefGHIJKLMNOPQRS",
        "https://example.com/rss/hunter2-Hunter2_abcdefghijk-lmn/",
        "https://user:hunter2@exa mple.com\x1b[0m/",
    ],
)
def test_secrets_are_not_shown(secret_url):
    shown = urls.redacted(secret_url)

    assert "hunter2" not in shown.lower()
    assert "***" in shown
    assert shown.isprintable()


@pytest.mark.parametrize(
    "harmless",
    [
        "https://example.com/2024/05/some-token-generation-event-in-q3-2024?page=2&id=123",
        "https://medium.com/feed/@name",
        "https://example.com/",
        "not a url",
    ],
)
def test_what_is_no_secret_is_shown_as_it_is(harmless):
    assert urls.redacted(harmless) == harmless


@given(st.text(max_size=200))
def test_any_text_is_refused_or_stays_the_same_when_checked_again(raw):
    try:
        once = urls.checked(raw)
    except RefusedError:
        return
    assert urls.checked(once) == once


@given(st.text(alphabet="htps:/.@\\#?[]%&=a1 é\t", max_size=30))
def test_what_is_sent_never_holds_what_was_forbidden(tail):
    try:
        sent = urls.checked("http://h" + tail)
    except RefusedError:
        return
    assert sent.isascii()
    assert sent.isprintable()
    assert not set(sent) & set("\\ \t")
    assert "@" not in sent.split("/")[2].split("?")[0]


@given(
    st.from_regex(
        r"https?://[a-z]{1,9}\.com(/[a-zA-Z0-9%.~]{0,8})?(\?[a-z=&_]{0,12})?", fullmatch=True
    )
)
def test_the_canonical_form_is_its_own_canonical_form(link):
    once = urls.canonical(link)

    assert urls.canonical(once) == once


@given(st.text(max_size=200))
def test_redaction_takes_anything(raw):
    assert urls.redacted(raw).isprintable() or urls.redacted(raw) == ""


@given(
    st.from_regex(
        r"https?://[\[\]a-zA-Z0-9.:_\-]{1,20}(:[0-9]{0,5})?[/?][a-z%@:\[\]]{0,9}", fullmatch=True
    )
    | st.from_regex(r"http://\[[0-9a-f:.]{2,12}\](:[0-9]{1,3})?/", fullmatch=True)
)
def test_the_client_reads_the_same_host_and_port_as_we_do(raw):
    try:
        sent = urls.checked(raw)
    except RefusedError:
        return
    read = URL(sent, encoded=True)

    assert (read.scheme, read.raw_host.rstrip("."), read.port) == urls.origin(sent)
    assert str(read) == sent
