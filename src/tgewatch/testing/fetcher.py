"""The Fetcher port with answers that a test has written down."""

from collections.abc import Sequence

from tgewatch.errors import TgewatchError
from tgewatch.model import NO_VALIDATORS, Validators
from tgewatch.ports import Request, Response


def answer(
    body: bytes = b"",
    *,
    url: str = "https://feed.example/rss",
    status: int = 200,
    content_type: str = "application/rss+xml",
    validators: Validators = NO_VALIDATORS,
    moved_to: str = "",
    fresh_for: float | None = None,
) -> Response:
    """Return a response as a server of `url` would have given it."""
    return Response(
        url=url,
        status=status,
        headers={"content-type": content_type} if content_type else {},
        body=body,
        received=0.0,
        validators=validators,
        moved_to=moved_to,
        fresh_for=fresh_for,
    )


class ScriptedFetcher:
    """Gives its answers in order, and keeps what it was asked."""

    def __init__(self, answers: Sequence[Response | TgewatchError]) -> None:
        self._answers = list(answers)
        self.requests: list[Request] = []

    async def fetch(self, request: Request) -> Response:
        self.requests.append(request)
        given = self._answers.pop(0)
        if isinstance(given, TgewatchError):
            raise given
        return given
