"""Values of the model to what a database keeps, and back."""

import re
from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256
from typing import Any, TypeVar

import msgspec
from xxhash import xxh3_64_intdigest, xxh3_128_hexdigest

from tgewatch.model import (
    Claim,
    Event,
    Item,
    Label,
    Notice,
    SourceState,
    Transition,
    Verdict,
)
from tgewatch.rules.urls import canonical

T = TypeVar("T")

DIGEST = 32
"""Hex digits of an item's identity in its source: 128 bits of its key."""
_HEX = frozenset("0123456789abcdef")
_KEY = 64
_SIGN = 1 << 63
_PAGE = (1 << 44) - 1
"""Bits of a URL's hash that tell pages of one host apart."""
_CANONICAL = re.compile(r"https?://(?:[a-z][a-z0-9]*[.-])+[a-z]{2,}(?:/[A-Za-z0-9_~-]+)+/?")
"""Plain URLs that are canonical as they stand; taking others apart costs twenty times as much."""

_ENCODER = msgspec.json.Encoder()
_NUL = b"\\u0000"


def _reader(kind: type[T]) -> Callable[[str], T]:
    return msgspec.json.Decoder(kind).decode


verdict_of = _reader(Verdict)
claim_of = _reader(Claim)
event_of = _reader(Event)
transition_of = _reader(Transition)
notice_of = _reader(Notice)
state_of = _reader(SourceState)
label_of = _reader(Label)


def json(value: object) -> str:
    """Return `value` as JSON that every database takes; text that is none is mended."""
    try:
        encoded = _ENCODER.encode(value)
    except UnicodeEncodeError:
        encoded = _NUL
    if _NUL in encoded:
        encoded = _ENCODER.encode(_mended(msgspec.to_builtins(value)))
    return encoded.decode()


def plain(claim: Claim) -> Claim:
    """Return the claim as it will be read back, so that what follows from it can be stored too."""
    try:
        if _NUL not in _ENCODER.encode(claim):
            return claim
    except UnicodeEncodeError:
        pass
    return claim_of(json(claim))


def _mended(value: Any) -> Any:
    if isinstance(value, str):
        return mended(value)
    if isinstance(value, list | tuple):
        return [_mended(one) for one in value]
    if isinstance(value, dict):
        return {_mended(key): _mended(one) for key, one in value.items()}
    return value


def mended(text: str) -> str:
    """Return `text` without NUL and lone surrogates, which databases refuse."""
    if text.isascii():
        return text.replace("\0", "\ufffd") if "\0" in text else text
    try:
        text.encode()
    except UnicodeEncodeError:
        text = text.encode("utf-8", "replace").decode()
    return text.replace("\0", "\ufffd")


def all_mended(*texts: str) -> tuple[str, ...]:
    """Return several texts mended; most need nothing, which is seen at one glance."""
    whole = "".join(texts)
    if whole.isascii() and "\0" not in whole:
        return texts
    return tuple(map(mended, texts))


def digest(key: str) -> str:
    """Return the first 128 bits of a key that is a hash, or of the hash of any other."""
    if len(key) == _KEY and _HEX.issuperset(key):
        return key[:DIGEST]
    return sha256(key.encode("utf-8", "surrogatepass")).hexdigest()[:DIGEST]


def fingerprint(item: Item) -> str:
    """Return a hash of what must change for the item to count as edited."""
    return xxh3_128_hexdigest(item.fingerprint.encode("utf-8", "surrogatepass"))


def url_hash(url: str) -> int:
    """Return a number by which pages with the same canonical URL find each other.

    Pages of one host lie beside each other: what one poll brings touches few pages of the index.
    """
    same = url if _CANONICAL.fullmatch(url) else canonical(url)
    host = same.split("/", 3)[2:3]
    high = xxh3_64_intdigest(host[0].encode("utf-8", "surrogatepass")) if host else 0
    low = xxh3_64_intdigest(same.encode("utf-8", "surrogatepass"))
    return (high & ~_PAGE | low & _PAGE) - _SIGN


def label_id(label: Label) -> str:
    """Return what two labels on the same thing have in common."""
    what = canonical(label.url) if label.url else f"text\n{label.text}"
    return sha256(what.encode("utf-8", "surrogatepass")).hexdigest()


def bare(event: Event) -> Event:
    """Return the event without its evidence, which has rows of its own."""
    return replace(event, claims=())
