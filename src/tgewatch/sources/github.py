"""Releases of a repository on GitHub."""

from collections.abc import Sequence
from functools import partial
from urllib.parse import quote

from tgewatch.errors import RefusedError, TransientError
from tgewatch.model import SourceState
from tgewatch.parse.github import read_releases
from tgewatch.ports import Fetcher, Offload, Reading
from tgewatch.settings.open_sources import place
from tgewatch.sources.network import poll

PAGE = 20
ANONYMOUS = 600.0
"""Seconds between two polls without a token: 60 requests an hour are for all repositories."""
BLOCKED = 1_800.0
"""Seconds to wait when GitHub says 403, which of a public repository means: too many requests."""
_ASKED = (("Accept", "application/vnd.github+json"), ("X-GitHub-Api-Version", "2022-11-28"))


class GithubReader:
    """Reads the releases of one repository, newest first. Keeps nothing between calls."""

    def __init__(self, fetcher: Fetcher, *, offload: Offload, base: str) -> None:
        self._fetcher = fetcher
        self._offload = offload
        self._base = base

    async def read(
        self, url: str, state: SourceState, headers: Sequence[tuple[str, str]]
    ) -> Reading:
        """Poll the repository; with an Authorization header, an unchanged one costs no quota.

        Raises what a Fetcher raises; a 403 is a TransientError, for it passes.
        """
        del url
        named = place("github", state.url)
        repository = f"{named['owner']}/{named['repository']}"
        known = {name.lower() for name, _ in headers}
        sent = (*headers, *((n, v) for n, v in _ASKED if n.lower() not in known))
        try:
            return await poll(
                self._fetcher,
                self._offload,
                f"{self._base}/repos/{quote(repository)}/releases?per_page={PAGE}",
                partial(read_releases, source=state.url, repository=repository),
                state=state,
                headers=sent,
                least=0.0 if "authorization" in known else ANONYMOUS,
            )
        except RefusedError as error:
            if error.cause != "http_403":
                raise
            raise TransientError(str(error), retry_after=BLOCKED, cause=error.cause) from error
