"""Content codings, honest and hostile."""

import contextlib
import gzip
import os
import zlib

import brotli
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from tgewatch.errors import MalformedError, RefusedError
from tgewatch.fetch.decompress import MAX_MEMBERS, Body

LIMIT = 1_000_000
FEED = b"<?xml version='1.0'?><rss>" + b"<item>hello</item>" * 900 + b"</rss>"


def raw_deflate(data: bytes) -> bytes:
    squeezer = zlib.compressobj(wbits=-15)
    return squeezer.compress(data) + squeezer.flush()


def zstd(data: bytes) -> bytes:
    return zstandard.ZstdCompressor().compress(data)


ENCODERS = {
    "gzip": gzip.compress,
    "x-gzip": gzip.compress,
    "deflate": zlib.compress,
    "br": lambda data: brotli.compress(data, quality=2),
    "zstd": zstd,
    "": bytes,
    "identity": bytes,
    "UTF-8": bytes,
}


def decoded(data: bytes, encoding: str, *, step: int = 700, limit: int = LIMIT) -> bytes:
    body = Body(encoding, limit=limit)
    for start in range(0, len(data), step):
        body.feed(data[start : start + step])
    return body.finish()


@pytest.mark.parametrize("step", [1, 3, 700, 10**6])
@pytest.mark.parametrize("encoding", ENCODERS)
def test_every_coding_is_undone_however_it_arrives(encoding, step):
    assert decoded(ENCODERS[encoding](FEED), encoding, step=step) == FEED


@given(
    data=st.binary(max_size=3000),
    encoding=st.sampled_from(["gzip", "deflate", "br", "zstd"]),
    step=st.integers(1, 500),
)
def test_any_bytes_survive_the_round_trip(data, encoding, step):
    assert decoded(ENCODERS[encoding](data), encoding, step=step) == data


def test_deflate_without_its_zlib_header_is_undone_too():
    assert decoded(raw_deflate(FEED), "deflate", step=9) == FEED


def test_codings_are_undone_in_reverse_order():
    assert decoded(gzip.compress(brotli.compress(FEED)), "br, gzip") == FEED


def test_members_and_frames_are_joined():
    assert decoded(gzip.compress(b"one ") + gzip.compress(b"two"), "gzip", step=5) == b"one two"
    assert decoded(zstd(b"one ") + zstd(b"two"), "zstd", step=5) == b"one two"


def test_what_trails_a_gzip_stream_is_ignored():
    assert decoded(gzip.compress(FEED) + b"\0\0junk", "gzip") == FEED


@pytest.mark.parametrize("label", ["gzip", "deflate", "br", "zstd", "gzip, gzip"])
def test_plain_text_under_a_wrong_label_is_taken_as_it_is(label):
    assert decoded(FEED, label) == FEED


def test_gzip_without_a_label_or_twice_labelled_is_undone():
    assert decoded(gzip.compress(FEED), "") == FEED
    assert decoded(gzip.compress(FEED), "gzip, gzip") == FEED
    assert decoded(gzip.compress(FEED), "deflate") == FEED


@pytest.mark.parametrize(
    ("label", "data"),
    [
        ("gzip", b"neither gzip nor markup, at length"),
        ("zstd", b"neither zstd nor markup, at length"),
        ("br", b"\xff" * 40),
        ("deflate", b"\xff" * 40),
        ("br", gzip.compress(FEED)),
        ("gzip", gzip.compress(FEED)[:-6] + b"\0\0\0\0\0\0"),
    ],
)
def test_what_cannot_be_decoded_makes_no_sense(label, data):
    with pytest.raises(MalformedError) as caught:
        decoded(data, label)
    assert caught.value.cause in {"bad_encoding", "truncated"}


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "zstd"])
@pytest.mark.parametrize("share", [0.01, 0.5, 0.99])
def test_half_a_stream_is_never_taken_for_the_whole(encoding, share):
    whole = ENCODERS[encoding](os.urandom(5000))

    with pytest.raises(MalformedError) as caught:
        decoded(whole[: int(len(whole) * share)], encoding)
    assert caught.value.cause in {"truncated", "bad_encoding"}


@pytest.mark.parametrize("encoding", ["compress", "gzip;q=1", "gzip, sdch", "br, br, br, br"])
def test_unknown_or_endless_codings_are_refused_before_a_byte_is_read(encoding):
    with pytest.raises(MalformedError) as caught:
        Body(encoding, limit=LIMIT)
    assert caught.value.cause == "bad_encoding"


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "zstd"])
def test_a_bomb_is_stopped_at_the_cap(encoding):
    body = Body(encoding, limit=LIMIT)

    with pytest.raises(MalformedError) as caught:
        body.feed(ENCODERS[encoding](bytes(20_000_000)))

    assert caught.value.cause == "bomb"
    assert len(body._out) <= LIMIT


def test_a_bomb_within_a_bomb_is_stopped_in_the_layer_that_grows():
    inner = gzip.compress(bytes(60_000_000), 1)

    with pytest.raises(MalformedError) as caught:
        decoded(gzip.compress(inner), "gzip, gzip")
    assert caught.value.cause == "bomb"


def test_a_layer_that_grows_into_nothing_is_stopped_as_well():
    empty_blocks = b"\x00\x00\x00\xff\xff" * 2_000_000  # deflate blocks without content

    with pytest.raises(MalformedError) as caught:
        decoded(gzip.compress(empty_blocks), "deflate, gzip")
    assert caught.value.cause == "bomb"


def test_endless_empty_members_are_stopped():
    with pytest.raises(MalformedError) as caught:
        decoded(gzip.compress(b"") * (MAX_MEMBERS + 1), "gzip")
    assert caught.value.cause == "bomb"


def test_a_frame_that_wants_more_memory_than_the_web_allows_is_refused():
    parameters = zstandard.ZstdCompressionParameters(window_log=27, compression_level=1)
    squeezer = zstandard.ZstdCompressor(compression_params=parameters).compressobj()

    with pytest.raises(MalformedError) as caught:
        decoded(squeezer.compress(FEED) + squeezer.flush(), "zstd")
    assert caught.value.cause == "bad_encoding"


@pytest.mark.parametrize("encoding", ["", "gzip"])
def test_a_body_may_be_as_large_as_the_cap_and_no_larger(encoding):
    data = os.urandom(50_000)
    encoded = ENCODERS[encoding](data)

    assert decoded(encoded, encoding, limit=len(encoded)) == data
    with pytest.raises(RefusedError) as caught:
        decoded(encoded, encoding, limit=len(data) - 1)
    assert caught.value.cause == "too_large"


def test_an_empty_body_is_empty_under_any_label():
    assert decoded(b"", "gzip") == b""
    assert decoded(b"", "") == b""


@given(st.binary(max_size=300), st.sampled_from(["gzip", "deflate", "br", "zstd", "br, gzip"]))
def test_any_bytes_decode_or_are_malformed(data, encoding):
    with contextlib.suppress(MalformedError):
        assert len(decoded(data, encoding, step=50)) <= LIMIT
