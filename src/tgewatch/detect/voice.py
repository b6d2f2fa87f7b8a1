"""Whose voice a claim is: what counts as one source, however many texts come from it."""

import re
from functools import lru_cache
from urllib.parse import urlsplit

from tgewatch.model import Claim


def words(text: str) -> frozenset[str]:
    """Return the words of a list."""
    return frozenset(text.split())


SHARED = words("""
medium.com mirror.xyz substack.com paragraph.xyz paragraph.com x.com twitter.com t.me
youtube.com github.com gitlab.com reddit.com farcaster.xyz warpcast.com bsky.app mastodon.social
discord.com linkedin.com facebook.com instagram.com tiktok.com hackernoon.com dev.to notion.site
google.com
""")
"""Platforms on which each account is a voice of its own: the first part of the path, or the
host below the platform, says whose."""

HOSTED = words("""
substack.com medium.com mirror.xyz paragraph.xyz github.io gitbook.io blogspot.com wordpress.com
ghost.io webflow.io vercel.app netlify.app pages.dev web.app notion.site tumblr.com hashnode.dev
""")
"""Domains below which each host belongs to somebody else."""

SECOND = words("co com org net gov ac edu ne or go gob nom ltd plc")
_HANDLE = re.compile(r"/(?:[^/]+/)?(@[\w.-]{1,60})")
_COUNTRY = 2
_LIMIT = 2_000


@lru_cache(maxsize=2_048)
def voice_of(url: str) -> str:
    """Return the registrable domain of `url`, or the account on a shared platform; "" without one.

    Public suffixes of two parts are known by their pattern (co.uk, com.au), not by the whole list.
    """
    try:
        parts = urlsplit(url[:_LIMIT])
        host = (parts.hostname or "").rstrip(".").removeprefix("www.")
    except ValueError:
        return ""
    if not host or host.replace(".", "").isdigit() or ":" in host:
        handle = _HANDLE.match(parts.path)
        return f"{host}/{handle.group(1).lower()}" if handle and host else host
    domain = registrable(host)
    if domain in HOSTED and host != domain:
        return host
    handle = _HANDLE.match(parts.path)
    if handle:
        return f"{domain}/{handle.group(1).lower()}"
    if domain in SHARED:
        account = parts.path.strip("/").split("/")[0].lower().lstrip("@")
        return f"{domain}/{account}" if account else domain
    return domain


def registrable(host: str) -> str:
    """Return the part of `host` that somebody registered."""
    labels = host.split(".")
    if len(labels) <= 2:  # noqa: PLR2004 - a name and its suffix
        return host
    if len(labels[-1]) == _COUNTRY and labels[-2] in SECOND:
        return ".".join(labels[-3:])
    return ".".join(labels[-2:])


def social(voice: str) -> bool:
    """Return whether `voice` is an account on a platform, so that one feed may carry many."""
    return voice.partition("/")[0] in SHARED and "/" in voice


def voices_of(claim: Claim) -> tuple[str, ...]:
    """Return every voice that `claim` shares with its like: any one in common makes them one.

    An outlet is the domain of its article and the feed it came in by. Accounts found by one search
    on a platform are apart.
    """
    said = voice_of(claim.url)
    if not said:
        return (claim.source,)
    return (said,) if social(said) else (said, claim.source)
