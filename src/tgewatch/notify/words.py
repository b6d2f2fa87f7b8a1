"""Words of others, made safe to show: bounded, without control characters, mark-up or mentions."""

import re
import unicodedata
from urllib.parse import urlsplit

_ANSI = re.compile(
    r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]{0,200}(?:\x07|\x1b\\)?|.)?", re.DOTALL
)
_SPACES = re.compile(r"\s+")
_MENTION = re.compile(r"@(?=everyone\b|here\b|channel\b|all\b|room\b)", re.IGNORECASE)
_SCHEME = re.compile(r"^(\w+)://")
_MARKDOWN = re.compile(r"([\\`*_{}\[\]()#+\-.!|~>])")
OPEN, CLOSE = "\u2039", "\u203a"
"""Angle quotation marks stand for the angle brackets of mark-up."""
_DEFANGED = str.maketrans({".": "[.]", "@": "[@]", ":": "[:]"})
_LONGEST = 20_000
_URL_LONGEST = 500
_HIDDEN = frozenset({"Cc", "Cf", "Co", "Cs", "Cn"})
"""Unicode categories that show nothing, or reverse what is shown."""
_JOINERS = frozenset("\u200d\u200c")


def clean(text: str, limit: int) -> str:
    """Return `text` as one line of visible characters, at most `limit` of them."""
    plain = _SPACES.sub(" ", _ANSI.sub("", text[:_LONGEST]))
    shown = "".join(
        c for c in plain if unicodedata.category(c) not in _HIDDEN or c in _JOINERS
    ).strip()
    return bounded(shown, limit)


def bounded(text: str, limit: int) -> str:
    """Return `text`, cut to `limit` characters with an ellipsis."""
    if len(text) <= limit:
        return text
    return text[: max(0, limit - 1)].rstrip() + "…" if limit > 0 else ""


def inert(text: str) -> str:
    """Return `text` with nothing that a chat service would act upon.

    Services that read mark-up into plain text must find no masked link (Markdown, Slack's
    `<url|words>`) and no mention in it.
    """
    quiet = text.replace("](", "] (").replace("<", OPEN).replace(">", CLOSE)
    return _MENTION.sub("@\u200b", quiet)


def escaped(text: str) -> str:
    """Return `text` for Markdown, literally."""
    return _MENTION.sub("@\u200b", _MARKDOWN.sub(r"\\\1", text.replace("<", OPEN)))


def defang(url: str) -> str:
    """Return `url` so that nobody can follow it by accident: `hxxps://evil[.]example/…`."""
    shown = clean(url, _URL_LONGEST)
    scheme = _SCHEME.match(shown)
    rest = shown[scheme.end() :] if scheme else shown
    host, slash, path = rest.partition("/")
    prefix = f"{scheme.group(1).lower().replace('t', 'x')}://" if scheme else ""
    return f"{prefix}{host.translate(_DEFANGED)}{slash}{path}"


def followable(url: str) -> bool:
    """Return whether `url` is a plain web address without user information."""
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and not parts.username
    except ValueError:
        return False


def safe_url(url: str) -> str:
    """Return a web address that may be shown as a link, or nothing."""
    if not followable(url) or len(url) > _URL_LONGEST or any(c in url for c in "<>\"'`\\^{}|"):
        return ""
    return url if url.isascii() and url.isprintable() and " " not in url else ""
