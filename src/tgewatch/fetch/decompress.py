"""Undoing content codings without trusting them: bounded in memory, in output and in layers.

A body is fed as it arrives and comes out in steps, so a bomb is noticed at the cap and never held.
"""

import re
from collections.abc import Callable, Iterator

import brotli  # type: ignore[import-untyped]
import zstandard
from isal import isal_zlib

from tgewatch.errors import MalformedError, RefusedError, TgewatchError

STEP = 65_536
"""Bytes that one step of a decoder may put out (a step of zstd: 32 blocks of twice that)."""
WIRE_STEP = 4_096
"""Bytes off the wire that are decoded at a time."""
MAX_CODINGS = 3
MAX_MEMBERS = 1_000
"""Members of one gzip stream; each costs a decoder."""
BOMB_RATIO = 100
"""Decoded to encoded bytes from which too large is called a bomb."""
ZSTD_WINDOW = 8 << 20
"""Bytes; RFC 9659 allows no more for HTTP."""
ZSTD_SLICE = 64
"""Bytes of input at a time: at most 21 block headers, so at most 2.7 MB of output."""
ACCEPT_ENCODING = "gzip, deflate, br, zstd"

GZIP_MAGIC = b"\x1f\x8b"
ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
HEAD = 5
"""Bytes needed to see what a stream is."""

_PLAIN = frozenset({"", "identity", "none", "binary", "7bit", "8bit", "utf-8", "utf8"})
"""Labels seen in the wild that change nothing."""
_TEXT = re.compile(
    rb"""[\s\xef\xbb\xbf]*(?:<\?xml|<rss|<feed|<rdf|<!|<html|<head|<body|\{\s*["}]|\[\s*[\[{"\]])""",
    re.IGNORECASE,
)
_FAILURES: tuple[type[Exception], ...] = (isal_zlib.error, brotli.error, zstandard.ZstdError)  # type: ignore[assignment]
_ZLIB_METHOD = 8
_BITS_GZIP, _BITS_ZLIB, _BITS_RAW = 31, 15, -15


class _Inflate:
    """gzip (any number of members), zlib or raw deflate."""

    def __init__(self, bits: int) -> None:
        self._bits = bits
        self._object = isal_zlib.decompressobj(bits)
        self._members = 1
        self._trailing = b""
        """Seen after a whole member; the next one begins with two known bytes."""

    @property
    def complete(self) -> bool:
        return self._object.eof

    def __call__(self, data: bytes) -> Iterator[bytes]:
        while True:
            if self._object.eof:
                data = self._trailing + data
                self._trailing = data[: len(GZIP_MAGIC)]
                if self._bits != _BITS_GZIP or self._trailing != GZIP_MAGIC:
                    return  # what trails the last member is ignored, as browsers do
                self._trailing = b""
                self._next_member()
            out = self._object.decompress(data, STEP)
            if out:
                yield out
            data = self._object.unused_data if self._object.eof else self._object.unconsumed_tail
            if not data and (self._object.eof or len(out) < STEP):
                return

    def _next_member(self) -> None:
        self._members += 1
        if self._members > MAX_MEMBERS:
            raise MalformedError(f"more than {MAX_MEMBERS} gzip members", cause="bomb")
        self._object = isal_zlib.decompressobj(_BITS_GZIP)


class _Brotli:
    def __init__(self) -> None:
        self._object = brotli.Decompressor()

    @property
    def complete(self) -> bool:
        return bool(self._object.is_finished())

    def __call__(self, data: bytes) -> Iterator[bytes]:
        if self.complete:
            return
        yield self._object.process(data, output_buffer_limit=STEP)
        while not self._object.can_accept_more_data() and not self.complete:
            yield self._object.process(b"", output_buffer_limit=STEP)


class _Zstd:
    """Any number of frames."""

    def __init__(self) -> None:
        self._object = self._fresh()
        self._frames = 1

    @staticmethod
    def _fresh() -> "zstandard.ZstdDecompressionObj":
        return zstandard.ZstdDecompressor(max_window_size=ZSTD_WINDOW).decompressobj()

    @property
    def complete(self) -> bool:
        return self._object.eof

    def __call__(self, data: bytes) -> Iterator[bytes]:
        for start in range(0, len(data), ZSTD_SLICE):
            part = data[start : start + ZSTD_SLICE]
            while part:
                if self._object.eof:
                    self._frames += 1
                    if self._frames > MAX_MEMBERS:
                        raise MalformedError(f"more than {MAX_MEMBERS} zstd frames", cause="bomb")
                    self._object = self._fresh()
                yield self._object.decompress(part)
                part = self._object.unused_data if self._object.eof else b""


class _Copy:
    """What is not encoded."""

    complete = True

    def __call__(self, data: bytes) -> Iterator[bytes]:
        yield data


_Decoder = _Inflate | _Brotli | _Zstd | _Copy


def _decoder(coding: str, head: bytes) -> _Decoder:
    """Return what undoes `coding`, going by the first bytes where the label lies."""
    if head.startswith(GZIP_MAGIC) and coding in {"gzip", "deflate", ""}:
        return _Inflate(_BITS_GZIP)
    if _TEXT.match(head):
        return _Copy()
    if coding == "deflate":  # RFC 9110 means zlib; some servers send it raw
        return _Inflate(_BITS_ZLIB if _is_zlib(head) else _BITS_RAW)
    made: dict[str, Callable[[], _Decoder]] = {
        "gzip": lambda: _Inflate(_BITS_GZIP),
        "br": _Brotli,
        "zstd": _Zstd,
    }
    return made.get(coding, _Copy)()


def _is_zlib(head: bytes) -> bool:
    """Return whether the two bytes of a zlib header (RFC 1950 section 2.2) come first."""
    method, check = head[0:1], int.from_bytes(head[0:2], "big")
    return len(head) > 1 and method[0] & 0x0F == _ZLIB_METHOD and check % 31 == 0


class _Stage:
    """One coding, chosen once enough of the stream is seen."""

    def __init__(self, coding: str) -> None:
        self._coding = coding
        self._head = b""
        self._decoder: _Decoder | None = None
        self.produced = 0

    def feed(self, data: bytes, *, last: bool = False) -> Iterator[bytes]:
        if self._decoder is None:
            data = self._head + data
            if len(data) < HEAD and not last:
                self._head = data
                return
            self._decoder = _decoder(self._coding, data[:64])
        if data:
            yield from self._decoder(data)

    @property
    def complete(self) -> bool:
        return self._decoder is None or self._decoder.complete


class Body:
    """A body on its way in: `feed` what arrives, then `finish`."""

    def __init__(self, content_encoding: str, *, limit: int) -> None:
        """Undo what the header of that name says.

        Raises MalformedError (`bad_encoding`) for codings that are unknown or too many.
        """
        codings = _codings(content_encoding)
        self._stages = [_Stage(coding) for coding in reversed(codings)] or [_Stage("")]
        self._limit = limit
        self._out = bytearray()
        self.wire = 0
        """Bytes fed."""

    def feed(self, data: bytes) -> None:
        """Take the next bytes off the wire.

        Raises MalformedError (`bad_encoding`, `bomb`) or RefusedError (`too_large`).
        """
        for start in range(0, len(data), WIRE_STEP):
            part = data[start : start + WIRE_STEP]
            self.wire += len(part)
            if self.wire > self._limit:
                raise RefusedError(f"body larger than {self._limit} bytes", cause="too_large")
            self._push(part, 0, last=False)

    def finish(self) -> bytes:
        """Return the decoded body. Raises MalformedError (`truncated`) when its end is missing."""
        for depth in range(len(self._stages)):
            self._push(b"", depth, last=True)
        if self.wire and not all(stage.complete for stage in self._stages):
            raise MalformedError("encoded body ends too early", cause="truncated")
        return bytes(self._out)

    def _push(self, data: bytes, depth: int, *, last: bool) -> None:
        if depth == len(self._stages):
            self._out += data
            return
        stage = self._stages[depth]
        try:
            for piece in stage.feed(data, last=last):
                stage.produced += len(piece)
                if stage.produced > self._limit:
                    raise self._too_large(stage.produced)
                self._push(piece, depth + 1, last=False)
        except TgewatchError:
            raise
        except _FAILURES as error:
            raise MalformedError(f"cannot be decoded: {error}", cause="bad_encoding") from error

    def _too_large(self, produced: int) -> TgewatchError:
        if produced > BOMB_RATIO * self.wire:
            return MalformedError(
                f"decompression bomb: {self.wire} bytes hold more than {self._limit}", cause="bomb"
            )
        return RefusedError(f"body larger than {self._limit} bytes", cause="too_large")


def _codings(header: str) -> list[str]:
    named = [part.strip().lower() for part in header.split(",")]
    codings = [name.removeprefix("x-") for name in named if name not in _PLAIN]
    if len(codings) > MAX_CODINGS:
        raise MalformedError(f"more than {MAX_CODINGS} content codings", cause="bad_encoding")
    for coding in codings:
        if coding not in {"gzip", "deflate", "br", "zstd"}:
            raise MalformedError(f"unknown content coding {coding[:40]!r}", cause="bad_encoding")
    return codings
