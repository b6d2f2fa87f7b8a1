"""A fetcher with the cache in front of it: polls always ask, other readers take what is fresh."""

import hashlib
from collections.abc import Mapping
from dataclasses import replace

from tgewatch.fetch.adaptive import AdaptiveTtl
from tgewatch.fetch.cache import Cache, Kept
from tgewatch.fetch.inquiry import Fetched
from tgewatch.ports import Fetcher, Request, Response
from tgewatch.rules import freshness

POOL_TIERS: Mapping[str, str] = {
    "default": "article_content",
    "rss": "rss",
    "article": "article_content",
    "twitter": "search_results",
}


class CachedFetcher:
    """Serves fresh answers from the cache, revalidates stale ones, and keeps what comes (RFC 9111).

    A request with `revalidate` (every scheduled poll) always goes to the server, with exactly its
    own validators; its answer then serves others for the tier's TTL. The TTL is the tier's, or the
    learned one, and never longer than the server says. Answers to requests with other headers are
    kept apart. What says no-store is not kept; what says no-cache or must-revalidate is never given
    past its time, also when its server is down.
    """

    def __init__(
        self,
        fetcher: Fetcher,
        *,
        cache: Cache,
        adaptive: Mapping[str, AdaptiveTtl] | None = None,
    ) -> None:
        self._fetcher = fetcher
        self._cache = cache
        self._adaptive = adaptive or {}

    async def fetch(self, request: Request) -> Response:
        """Return a 2xx answer, perhaps from the cache, or a 304 to the caller's own validators.

        Raises what the fetcher behind raises; a refusal may be a remembered one.
        """
        tier = request.tier or POOL_TIERS.get(request.pool, "article_content")
        key = cache_key(request)
        if request.revalidate:
            return await self._poll(request, key, tier)
        brought = False

        async def renew() -> Fetched:
            nonlocal brought
            fetched = await self._renew(request, key, tier)
            brought = True
            return fetched

        response = await self._cache.get_or_fetch(
            key, renew, tier=tier, may_serve_stale=_may_serve_stale
        )
        return response if brought else self._aged(response, key, tier)

    async def _poll(self, request: Request, key: str, tier: str) -> Response:
        response = await self._fetcher.fetch(request)
        kept = self._cache.kept(key, tier=tier)
        if response.not_modified:
            if kept is not None and _same(kept.value, request):
                self._learn(request.url, tier, kept, changed=False)
                self._keep(request, key, tier, _updated(kept.value, response))
            return response
        self._learn(
            request.url, tier, kept, changed=kept is None or kept.value.body != response.body
        )
        self._keep(request, key, tier, response)
        return response

    async def _renew(self, request: Request, key: str, tier: str) -> Fetched:
        kept = self._cache.kept(key, tier=tier)
        asked = request
        if kept is not None:
            asked = replace(request, validators=kept.value.validators)
        elif request.validators:
            asked = replace(request, validators=type(request.validators)())
        response = await self._fetcher.fetch(asked)
        if kept is not None:
            changed = not response.not_modified and kept.value.body != response.body
            self._learn(request.url, tier, kept, changed=changed)
            if response.not_modified:
                response = _updated(kept.value, response)
        return self._judged(request, tier, response)

    def _aged(self, response: Response, key: str, tier: str) -> Response:
        """Return an answer that cost no request of the caller's, as it is by now."""
        kept = self._cache.kept(key, tier=tier)
        age = kept.age if kept is not None and kept.value is response else 0.0
        fresh_for = response.fresh_for
        return replace(
            response,
            from_cache=True,
            fresh_for=None if fresh_for is None else max(0.0, fresh_for - age),
        )

    def _keep(self, request: Request, key: str, tier: str, response: Response) -> None:
        fetched = self._judged(request, tier, response)
        if fetched.store:
            self._cache.set(key, fetched.value, tier=tier, ttl=fetched.ttl)
        elif self._cache.kept(key, tier=tier) is not None:  # else nobody has to be told
            self._cache.invalidate(key, tier=tier)

    def _judged(self, request: Request, tier: str, response: Response) -> Fetched:
        """Say for how long an answer may serve: the tier's or learned TTL, within the server's."""
        if not _storable(response):
            return Fetched(response, store=False)
        learner = self._adaptive.get(tier)
        ttl = self._cache.tiers[tier].ttl if learner is None else learner.ttl(request.url)
        if response.fresh_for is not None:
            ttl = min(ttl, response.fresh_for)
        return Fetched(response, ttl=ttl)

    def _learn(self, url: str, tier: str, kept: Kept | None, *, changed: bool) -> None:
        if kept is not None and tier in self._adaptive:
            self._adaptive[tier].observe(url, kept.age, changed=changed)


def cache_key(request: Request) -> str:
    """Return what tells answers apart: the URL, and a digest of the request's own headers.

    So an answer never reaches who has other credentials, and Vary is obeyed for all headers that
    differ between our requests.
    """
    if not request.headers:
        return f"GET {request.url}"
    lines = sorted(f"{name.lower()}:{value.strip()}" for name, value in request.headers)
    return f"GET {request.url} {hashlib.sha256(chr(10).join(lines).encode()).hexdigest()[:32]}"


def _storable(response: Response) -> bool:
    return freshness.storable(response.status, response.headers)


def _may_serve_stale(kept: Response) -> bool:
    """Return whether the server allows it (RFC 9111 section 4.2.4)."""
    stated = freshness.directives(kept.headers)
    return not (stated.no_cache or stated.must_revalidate)


def _same(kept: Response, request: Request) -> bool:
    """Return whether a 304 to the request's validators vouches for the kept answer."""
    sent, known = request.validators, kept.validators
    if sent.etag and known.etag:
        return freshness.weak_match(sent.etag, known.etag)
    return bool(sent.last_modified) and sent.last_modified == known.last_modified


def _updated(kept: Response, answer: Response) -> Response:
    """Return the kept answer as of a 304."""
    return replace(
        kept,
        headers=freshness.merged(kept.headers, answer.headers),
        received=answer.received,
        validators=answer.validators or kept.validators,
        fresh_for=answer.fresh_for if answer.fresh_for is not None else kept.fresh_for,
        elapsed=answer.elapsed,
        attempts=answer.attempts,
        reused=answer.reused,
        bytes_read=answer.bytes_read,
        from_cache=True,
    )
