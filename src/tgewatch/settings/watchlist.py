"""Companies and sources as the file writes them, and as the program uses them."""

import re
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, ValidationInfo, field_validator

from tgewatch.model import Company, Priority, Source
from tgewatch.settings.open_sources import KINDS, place, title
from tgewatch.settings.section import Section
from tgewatch.settings.units import Seconds

_HOST = re.compile(r"(?!-)(?:[a-z0-9-]{1,63}\.)+[a-z0-9-]{2,63}", re.ASCII)
_TICKER = re.compile(r"\$?([A-Za-z0-9.]{1,15})", re.ASCII)
_HANDLE = re.compile(r"@?([A-Za-z0-9_]{1,15})", re.ASCII)
_HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+", re.ASCII)
_TEXT_LIMIT = 200


def _text(value: str) -> str:
    cleaned = " ".join(value.split())
    if not cleaned:
        raise ValueError("must not be empty")
    if len(cleaned) > _TEXT_LIMIT or not cleaned.isprintable():
        raise ValueError(f"must be one line of at most {_TEXT_LIMIT} printable characters")
    return cleaned


def _ticker(value: str) -> str:
    match = _TICKER.fullmatch(value.strip())
    if match is None:
        raise ValueError("must be a ticker such as FHE or $FHE")
    return match[1].upper()


def _handle(value: str) -> str:
    if not value:
        return ""
    match = _HANDLE.fullmatch(value.strip())
    if match is None:
        raise ValueError("must be the account's name on X, such as @FhenixIO, without a link")
    return match[1]


def _domain(value: str) -> str:
    host = value.strip().lower().removesuffix(".")
    if not _HOST.fullmatch(host):
        raise ValueError("must be a host such as fhenix.io, without https:// and without a path")
    return host


def _url(value: str) -> str:
    url = value.strip()
    problem = url_problem(url)
    if problem:
        raise ValueError(problem)
    return url


def _headers(value: dict[str, str]) -> dict[str, str]:
    for name, text in value.items():
        if not _HEADER.fullmatch(name):
            raise ValueError("must have names that HTTP allows: letters, digits and hyphens")
        if any(ord(c) < ord(" ") or ord(c) > ord("~") for c in text):
            raise ValueError("must have values of printable ASCII on one line")
    return value


Text = Annotated[str, AfterValidator(_text)]
Ticker = Annotated[str, AfterValidator(_ticker)]
Handle = Annotated[str, AfterValidator(_handle)]
Domain = Annotated[str, AfterValidator(_domain)]
Url = Annotated[str, AfterValidator(_url)]
Headers = Annotated[dict[str, str], AfterValidator(_headers)]


class CompanyEntry(Section):
    """`[[company]]`: whom to watch."""

    name: Text
    """As it is usually written. The same name in a file that extends the default changes only
    the keys given here."""
    aliases: tuple[Text, ...] = ()
    """Other ways to write it."""
    tickers: tuple[Ticker, ...] = ()
    """Token tickers, known or expected, with or without `$`."""
    x_handle: Handle = ""
    """Official account on X, with or without `@`."""
    domains: tuple[Domain, ...] = ()
    """Official hosts; a link elsewhere that looks like one of them is flagged."""
    exclusions: tuple[Text, ...] = ()
    """Phrases in which the name means something else."""
    context: tuple[Text, ...] = ()
    """When given, the bare name counts only in a text that holds one of these words."""
    priority: Priority = Priority.MEDIUM
    """How much an hour of delay matters: high, medium or low."""

    def value(self) -> Company:
        """Return it as the rest of the program knows it."""
        return Company(
            name=self.name,
            aliases=self.aliases,
            tickers=self.tickers,
            x_handle=self.x_handle,
            domains=self.domains,
            exclusions=self.exclusions,
            context=self.context,
            priority=self.priority,
        )


class SourceEntry(Section):
    """`[[source]]`: where to look."""

    url: Url
    """Address of the feed or page; also its identity in the store."""
    name: str = ""
    """For people; the host, or what the address names, when not given."""
    kind: str = Field(
        default="feed",
        pattern="^(feed|page|bluesky|telegram|mastodon|farcaster|snapshot|discourse|github)$",
    )
    """feed: RSS, Atom, RDF or JSON Feed; page: a page without a feed, an item for each version. The
    others read what their name says, at the address that a browser shows: docs/open-sources.md."""
    company: str = ""
    """Name of the company whose own voice this is; empty for an outlet."""
    priority: Priority = Priority.MEDIUM
    """How much an hour of delay matters: high, medium or low."""
    why: str = ""
    """Why it is watched, for people."""
    interval: Seconds | None = Field(default=None, gt=0)
    """Duration between polls, where you fix it; otherwise the schedule decides."""
    headers: Headers = Field(
        default_factory=dict, repr=False, json_schema_extra={"writeOnly": True}
    )
    """Sent to this source's own origin only, and never shown. Better kept out of the file: see
    `headers_env` and `headers_file`."""
    headers_env: dict[str, str] = Field(default_factory=dict)
    """Header → environment variable that holds its value."""
    headers_file: dict[str, str] = Field(default_factory=dict)
    """Header → file that holds its value."""

    @field_validator("kind")
    @classmethod
    def _of_that_kind(cls, kind: str, info: ValidationInfo) -> str:
        url = info.data.get("url")
        if kind in KINDS and url is not None:
            place(kind, url)
        return kind

    def _place(self) -> str:
        return title(self.kind, self.url) if self.kind in KINDS else ""

    def value(self) -> Source:
        """Return it as the rest of the program knows it."""
        return Source(
            url=self.url,
            name=self.name or self._place() or (urlsplit(self.url).hostname or self.url),
            kind=self.kind,
            company=self.company,
            priority=self.priority,
            why=self.why,
            interval=self.interval,
            headers=tuple(self.headers.items()),
        )


def url_problem(url: str) -> str:
    """Return what keeps `url` from being the address of a source, or nothing."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return "must be a URL such as https://example.com/feed; its host or port cannot be read"
    if parts.scheme not in {"http", "https"} or not host:
        return "must be a URL that starts with https:// or http:// and names a host"
    if "\\" in url or any(c.isspace() or not c.isprintable() for c in url):
        return "must be a URL without spaces, backslashes or control characters"
    if "@" in parts.netloc:
        return "must not hold a password: send it with headers_env or headers_file instead"
    return ""


def same_source(url: str) -> str:
    """Return what two spellings of one address have in common: never to be fetched.

    Scheme, case of the host, default port, trailing slash and fragment do not matter, but for a
    fragment that is a path (`#/example.eth`).
    """
    if url_problem(url):
        return url
    parts = urlsplit(url.strip())
    port = f":{parts.port}" if parts.port and parts.port not in {80, 443} else ""
    query = f"?{parts.query}" if parts.query else ""
    page = f"#{parts.fragment.rstrip('/')}" if parts.fragment.startswith("/") else ""
    return f"{parts.hostname}{port}{parts.path.rstrip('/')}{query}{page}"


def same_name(name: str) -> str:
    """Return what two spellings of one name have in common."""
    return " ".join(name.split()).casefold()
