"""An answer over HTTP, shaped as users of requests know it."""

import re
from collections.abc import Iterator, Mapping
from datetime import timedelta
from http import HTTPStatus
from typing import Any, Self

import orjson

from tgewatch.errors import MalformedError, RefusedError, TransientError
from tgewatch.fetch.transport import Answer
from tgewatch.parse.charset import to_utf8
from tgewatch.rules import urls
from tgewatch.rules.retry_after import retry_after

_CHARSET = re.compile(r"charset\s*=\s*[\"']?([\w.:-]+)", re.IGNORECASE)
_CLIENT, _SERVER = 400, 500
_LATER = frozenset({408, 421, 423, 425, 429})


class Headers(Mapping[str, str]):
    """Header fields; names in any case."""

    def __init__(self, fields: Mapping[str, str]) -> None:
        self._fields = {name.lower(): value for name, value in fields.items()}

    def __repr__(self) -> str:
        return repr(self._fields)

    def __getitem__(self, name: str) -> str:
        return self._fields[name.lower()]

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and name.lower() in self._fields

    def __iter__(self) -> Iterator[str]:
        return iter(self._fields)

    def __len__(self) -> int:
        return len(self._fields)


class Reply:
    """What came back, whatever its status. The body is whole, decoded and bounded."""

    def __init__(self, answer: Answer, *, hops: tuple[str, ...] = (), seconds: float = 0.0) -> None:
        self._answer = answer
        self.status_code = answer.status
        self.headers = Headers(answer.headers)
        self.content = answer.body
        self.url = answer.url
        self.hops = hops
        """URLs that redirected here."""
        self.elapsed = timedelta(seconds=seconds)
        self.reused = answer.reused
        """Whether it came on a connection that was already open."""
        found = _CHARSET.search(answer.headers.get("content-type", ""))
        self.encoding: str | None = found.group(1) if found else None
        """As the server states it; may be set before `text` is read."""

    def __repr__(self) -> str:
        return f"<Reply [{self.status_code}]>"

    def __bool__(self) -> bool:
        return self.ok

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def ok(self) -> bool:
        """Whether the status is below 400."""
        return self.status_code < _CLIENT

    @property
    def reason(self) -> str:
        try:
            return HTTPStatus(self.status_code).phrase
        except ValueError:
            return ""

    @property
    def text(self) -> str:
        """The body as text: in the encoding stated, or found in it, with what is wrong replaced."""
        if self.encoding is not None:
            try:
                return self.content.decode(self.encoding, "replace")
            except LookupError:
                pass
        body, _ = to_utf8(self.content, self.headers.get("content-type", ""))
        return body.decode("utf-8", "replace")

    def json(self) -> Any:
        """Return the body as JSON. Raises ValueError."""
        return orjson.loads(self.content)

    def iter_content(self, chunk_size: int = 65_536) -> Iterator[bytes]:
        """Yield the body in pieces."""
        for start in range(0, len(self.content), max(1, chunk_size)):
            yield self.content[start : start + max(1, chunk_size)]

    def iter_lines(self) -> Iterator[bytes]:
        """Yield the lines of the body, without their ends."""
        yield from self.content.splitlines()

    def raise_for_status(self) -> None:
        """Raise TransientError (worth another try) or RefusedError for a status of failure."""
        if self.ok:
            return
        shown, status = urls.redacted(self.url), self.status_code
        if status in _LATER or status >= _SERVER:
            asked = retry_after(self._answer.headers, now=self._answer.received)
            raise TransientError(f"{shown}: {status}", retry_after=asked, cause=f"http_{status}")
        raise RefusedError(f"{shown}: {status}", cause=f"http_{status}")

    def close(self) -> None:
        """Do nothing: the connection went back to its pool when the body was read."""


def encoded(json: Any) -> bytes:
    """Return a value as a JSON body. Raises MalformedError."""
    try:
        return orjson.dumps(json)
    except TypeError as error:
        raise MalformedError(f"not to be said in JSON: {error}") from error
