"""Places with an interface that is open to anybody: what their addresses look like, and who answers."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated
from urllib.parse import unquote, urlsplit

from pydantic import AfterValidator

from tgewatch.settings.section import Section


def _base(url: str) -> str:
    text = url.strip().rstrip("/")
    if not text:
        return ""
    parts = urlsplit(text)
    if parts.scheme not in {"http", "https"} or not parts.hostname or "@" in parts.netloc:
        raise ValueError("must be a URL such as https://example.com")
    if parts.query or parts.fragment:
        raise ValueError("must be a URL without ? and #")
    return text


Base = Annotated[str, AfterValidator(_base)]


class OpenSourceSettings(Section):
    """`[open_sources]`: who answers for networks that have an interface of their own."""

    bluesky: Base = "https://public.api.bsky.app"
    """Bluesky's public AppView."""
    telegram: Base = "https://t.me"
    """Where the web preview of channels is."""
    snapshot: Base = "https://hub.snapshot.org"
    """Snapshot's hub."""
    github: Base = "https://api.github.com"
    """GitHub's REST API."""
    farcaster_hub: Base = ""
    """HTTP interface of a Farcaster node, your own or hosted, such as http://localhost:3381; sources
    of kind farcaster need it."""


@dataclass(frozen=True, slots=True)
class Form:
    """What the address of a source looks like that people find in their browser."""

    hosts: frozenset[str]
    """Empty where anybody can run one."""
    path: re.Pattern[str]
    """Of path and fragment, percent-decoded; its groups are what has to be known."""
    example: str


_FORMS: Mapping[str, Form] = {
    "bluesky": Form(
        frozenset({"bsky.app"}),
        re.compile(r"/profile/(?P<actor>[A-Za-z0-9][A-Za-z0-9.-]{2,252}|did:[a-z]+:[\w.:%-]{1,200})/?"),
        "https://bsky.app/profile/example.com",
    ),
    "telegram": Form(
        frozenset({"t.me", "telegram.me"}),
        re.compile(r"/(?:s/)?(?P<channel>[A-Za-z]\w{3,31})/?", re.ASCII),
        "https://t.me/examplechannel",
    ),
    "mastodon": Form(
        frozenset(),
        re.compile(r"/(?:@|users/)(?P<account>\w[\w.-]{0,63})/?", re.ASCII),
        "https://mastodon.social/@example",
    ),
    "farcaster": Form(
        frozenset({"farcaster.xyz", "warpcast.com"}),
        re.compile(
            r"/(?:~/profiles/(?P<fid>[0-9]{1,12})|(?P<name>[a-z0-9][a-z0-9-]{0,15}(?:\.[a-z.]{2,20})?))/?"
        ),
        "https://farcaster.xyz/example",
    ),
    "snapshot": Form(
        frozenset({"snapshot.org", "snapshot.box"}),
        re.compile(r"/?(?:#/)?(?:s:)?(?P<space>[\w.-]{2,80}\.[\w-]{2,20})/?(?:proposals/?)?", re.ASCII),
        "https://snapshot.org/#/example.eth",
    ),
    "discourse": Form(
        frozenset(),
        re.compile(r"(?P<folder>(?:/[\w-]{1,60})??)(?:/latest|/c/(?:[\w%-]+/){1,3}(?P<category>[0-9]{1,9}))?/?"),
        "https://forum.example.com",
    ),
    "github": Form(
        frozenset({"github.com"}),
        re.compile(r"/(?P<owner>[\w-]{1,39})/(?P<repository>(?!\.{1,2}(?:/|$))[\w.-]{1,100}?)(?:/releases)?/?", re.ASCII),
        "https://github.com/example/project",
    ),
}  # fmt: skip
KINDS = tuple(_FORMS)
"""Kinds of source that this module knows the addresses of."""


def title(kind: str, url: str) -> str:
    """Return what to call a source of that kind; empty when its host says it best."""
    named = place(kind, url)
    chosen = [named[name] for name in named if name not in {"folder", "category"}]
    return f"{'/'.join(chosen)} on {kind}" if chosen else ""


def place(kind: str, url: str) -> dict[str, str]:
    """Return what the address of a source of that kind names, as `Form.path` calls it.

    Raises ValueError, saying what such an address looks like.
    """
    form = _FORMS[kind]
    parts = urlsplit(url)
    fragment = f"#{parts.fragment}" if parts.fragment.startswith("/") else ""
    match = form.path.fullmatch(unquote(parts.path) + fragment)
    host = (parts.hostname or "").removeprefix("www.")
    if match is None or (form.hosts and host not in form.hosts):
        raise ValueError(f'for kind = "{kind}" the url must look like {form.example}')
    return {name: value for name, value in match.groupdict().items() if value}
