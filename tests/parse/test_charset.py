"""Encodings that lie."""
# ruff: noqa: RUF001 - characters of many scripts are the point

import codecs

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tgewatch.parse.charset import is_binary, to_utf8

TEXT = "<t>é – “quoted” Ω</t>"


def declared(encoding, text=TEXT):
    return f'<?xml version="1.0" encoding="{encoding}"?>{text}'


def read(body, content_type=""):
    return to_utf8(body, content_type)[0].decode()


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (declared("utf-8").encode(), ""),
        (codecs.BOM_UTF8 + declared("utf-8").encode(), ""),
        (declared("utf-16").encode("utf-16"), ""),
        (declared("utf-16").encode("utf-16-be"), ""),
        (declared("utf-8").encode("utf-16-le"), ""),  # declares what it is not
        (declared("utf-16").encode(), ""),  # the other way round
        (declared("utf-32").encode("utf-32"), ""),
        (declared("iso-8859-1").encode(), "text/xml; charset=iso-8859-1"),
        (declared("nonsense").encode(), "text/xml; charset=nonsense"),
        (declared("zlib").encode(), "text/xml; charset=zlib"),
    ],
)
def test_the_text_is_read_whatever_is_said_about_it(body, content_type):
    assert TEXT in read(body, content_type)


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        ("windows-1251", "Привет, мир"),
        ("shift_jis", "日本語のフィード"),
        ("euc-kr", "한국어 피드"),
        ("gb2312", "中文订阅"),
        ("iso-8859-1", "naïve café"),
        ("iso-2022-jp", "日本語"),
    ],
)
def test_national_encodings_are_believed_when_the_bytes_are_not_utf8(encoding, text):
    assert text in read(declared(encoding, text).encode(encoding))
    assert text in read(text.encode(encoding), f"text/xml; charset={encoding}")


def test_latin_1_means_windows_1252_as_everywhere_on_the_web():
    assert "“x”" in read(declared("iso-8859-1", "“x”").encode("cp1252"))


def test_stray_windows_bytes_in_utf8_do_not_spoil_the_rest():
    body = "Ω good, ".encode() + "‘bad’ é".encode("cp1252") + " Ω".encode()

    assert read(body) == "Ω good, ‘bad’ é Ω"


def test_what_was_assumed_is_said():
    assert to_utf8(b"caf\xe9")[1] == "utf-8 with windows-1252"
    assert to_utf8(b"cafe")[1] == "utf-8"


@pytest.mark.parametrize(
    "body", [b"\x1f\x8b\x08" + bytes(range(256)), b"\x00" * 100, b"\x89PNG\r\n\x1a\n\x00\x00\x00\r"]
)
def test_binary_is_told_from_text(body):
    assert is_binary(body)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-16-le", "utf-32", "cp1252"])
def test_text_is_not_taken_for_binary(encoding):
    assert not is_binary("<rss>é</rss>".encode(encoding))


@given(st.binary(max_size=400), st.text(max_size=60))
def test_any_bytes_become_utf8(body, content_type):
    to_utf8(body, content_type)[0].decode()
