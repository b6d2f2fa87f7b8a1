"""Signs of fraud: look-alike domains, impersonators, drainers and bait, each with its reason."""

import re
import tomllib
import unicodedata
from collections.abc import Iterator, Sequence
from functools import cache, lru_cache
from operator import itemgetter
from urllib.parse import urlsplit

from rapidfuzz.distance import DamerauLevenshtein
from rapidfuzz.process import extractOne

from tgewatch.detect.lexicon import data
from tgewatch.detect.text import Field
from tgewatch.model import Company, Flag, Item

MAX_LINKS = 20
REMEMBERED = 1_024
"""Hosts, and handles, that are compared with the official ones once: sources repeat theirs."""
MAX_LABELS = 10
"""Of a host that are looked at."""
MIN_STEM = 5
"""Letters of a domain's own name from which one letter's difference is no chance."""
BAIT_WORDS = frozenset(
    "claim claims airdrop airdrops drop token tokens presale sale reward rewards bonus free gift "
    "official app mint verify wallet connect check checker eligibility portal event live launch "
    "foundation distribution tge season register".split()
)
SHORTENERS = frozenset(
    "bit.ly tinyurl.com goo.gl ow.ly is.gd buff.ly cutt.ly rebrand.ly rb.gy shorturl.at t.ly tiny.cc "
    "bl.ink s.id v.gd lnkd.in linktr.ee cutt.us soo.gd adf.ly".split()
)
_PAIRS = (("rn", "m"), ("vv", "w"), ("cl", "d"), ("nn", "m"))
_ENDINGS = (
    "com|io|xyz|org|net|app|fi|finance|network|foundation|fun|ai|gg|site|online|live|top|info|click"
    "|claims?|dev|co|me|vip|pro|art|link|events?"
)
_LINK = re.compile(
    rf"https?://[^\s<>\"')\]]+|(?<![@\w.-])(?:[\w-]+\.)+(?:{_ENDINGS})\b(?:/[^\s<>\"')\]]*)?",
    re.IGNORECASE,
)
_DOMAIN_END = re.compile(rf"\.(?:{_ENDINGS})\b")
"""In lower case; looks at full stops alone, and most texts have no link."""
LINKS_IN = 5_000
"""Characters of a field that are searched for links."""
_HANDLE = re.compile(r"(?<![\w@])@(\w{3,30})")
_DRAINERS = tuple(
    (hints, re.compile(rf"\b(?:{phrase})"))
    for hints, phrase in {
        ("phrase", "private key"): (
            r"(?:enter|share|send|provide|submit|type)\b.{0,20}\b(?:seed phrase|secret phrase"
            r"|private key|recovery phrase)|(?:seed|recovery) phrase (?:to|and) (?:claim|verify)"
        ),
        ("your wallet", "wallet valid", "wallet rect"): (
            r"synchroni[sz]e your wallet|(?:validate|verify|rectify|restore) your wallet"
            r"|wallet (?:validation|rectification)"
        ),
        ("send ",): (
            r"send \d[\d.,]*\s?(?:eth|btc|sol|bnb|usdt).{0,30}(?:receive|get) (?:back|double|\d)"
        ),
        ("double your ",): r"double your (?:eth|btc|sol|crypto)",
        ("approve unlimited",): r"approve unlimited",
        ("drop your ",): r"drop your (?:wallet|address)",
        ("claim before it",): r"claim before it'?s too late",
    }.items()
)
"""What thieves say, in lower case, under words of which one has to stand in the text: looking for
words is quick, and hardly any text has them."""
_CONNECT = re.compile(
    r"\bconnect(?:ing)? (?:your |ur |a |the )?(?:wallet|metamask|phantom|ledger|trust ?wallet)\b"
)
_WARNING = re.compile(
    r"\b(?:never|don'?t|do not|beware|warn(?:s|ing|ed)?|scam(?:s|mers?)?|phishing|fake|alert|avoid)\b",
    re.IGNORECASE,
)


class Officials:
    """The official domains and handles of the watchlist, ready to be compared with."""

    def __init__(self, companies: Sequence[Company]) -> None:
        self._hosts = {d.lower(): c.name for c in companies for d in c.domains}
        self._stems: dict[str, str] = {}
        for domain, name in self._hosts.items():
            self._stems.setdefault(skeleton(stem(domain)), name)
        for company in companies:
            bare = re.sub(r"\W", "", company.name.lower())
            if company.domains and len(bare) >= MIN_STEM:
                self._stems.setdefault(skeleton(bare), company.name)
        self._handles = {c.x_handle.lower(): c.name for c in companies if c.x_handle}
        self._handle_skeletons = {
            skeleton(h.replace("_", "")): (h, n) for h, n in self._handles.items()
        }
        self._long_stems = [s for s in self._stems if len(s) >= MIN_STEM]
        self._long_handles = [h for h in self._handle_skeletons if len(h) >= MIN_STEM]
        self.imitated = lru_cache(maxsize=REMEMBERED)(self._imitated)
        """Return the company that a host pretends to be, and how; empty when it does not."""
        self.impersonated = lru_cache(maxsize=REMEMBERED)(self._impersonated)
        """Return the official handle and company that a handle looks like but is not."""

    def is_official(self, host: str) -> bool:
        """Return whether `host` is an official domain or lies below one."""
        while host:
            if host in self._hosts:
                return True
            host = host.partition(".")[2]
        return False

    def _imitated(self, host: str) -> tuple[str, str]:
        shown = _readable(host)
        own = skeleton(stem(shown))
        if not own or self.is_official(host):
            return "", ""
        fronted = self._fronted(host)
        if fronted:
            return fronted, "its domain in front of another one"
        if own in self._stems:
            same = own == stem(shown)
            how = "another ending of its domain" if same else "letters that look like its own"
            return self._stems[own], how
        parts = [p for p in re.split(r"[-_.]", shown.rpartition(".")[0]) if p]
        for part in parts:
            if skeleton(part) in self._stems and set(parts) & BAIT_WORDS:
                return self._stems[skeleton(part)], "its name with a bait word"
        for bare in _unbaited(stem(shown)):
            if skeleton(bare) in self._long_stems:
                return self._stems[skeleton(bare)], "its name with a bait word"
        near = extractOne(own, self._long_stems, scorer=DamerauLevenshtein.distance, score_cutoff=1)
        return (self._stems[near[0]], "one letter different") if near else ("", "")

    def _fronted(self, host: str) -> str:
        """Return the company whose whole domain stands within `host` and before its own end."""
        labels = host.split(".")[:MAX_LABELS]
        for end in range(2, len(labels)):
            for start in range(end - 1):
                name = self._hosts.get(".".join(labels[start:end]))
                if name:
                    return name
        return ""

    def _impersonated(self, handle: str) -> tuple[str, str]:
        low = handle.lower()
        if low in self._handles:
            return "", ""
        plain = low.replace("_", "")
        own = skeleton(plain)
        known = self._handle_skeletons.get(own) or next(
            (
                self._handle_skeletons[skeleton(b)]
                for b in _unbaited(plain)
                if len(b) >= MIN_STEM and skeleton(b) in self._handle_skeletons
            ),
            None,
        )
        if known is None and len(own) >= MIN_STEM:
            near = extractOne(
                own, self._long_handles, scorer=DamerauLevenshtein.distance, score_cutoff=1
            )
            known = self._handle_skeletons[near[0]] if near else None
        return known or ("", "")


def _unbaited(name: str) -> Iterator[str]:
    """Yield a name without a bait word at its start or end."""
    for word in BAIT_WORDS:
        if name.startswith(word):
            yield name.removeprefix(word).strip("-_.")
        elif name.endswith(word):
            yield name.removesuffix(word).strip("-_.")


def stem(host: str) -> str:
    """Return the part of a host that its owner chose: `claim.foo.co.uk` has `foo`."""
    labels = host.lower().rstrip(".").split(".")
    if len(labels) < 2:  # noqa: PLR2004 - name and ending
        return labels[0] if labels else ""
    second_level = len(labels) > 2 and labels[-2] in ("co", "com", "org", "net", "gov", "ac")  # noqa: PLR2004
    return labels[-3] if second_level else labels[-2]


@cache
def _look_alikes() -> dict[int, str]:
    alike = tomllib.loads(data("confusables.toml"))
    return {ord(other): letter for letter, others in alike.items() for other in others}


def skeleton(text: str) -> str:
    """Return what `text` looks like: confusable letters and digits as one (after UTS 39)."""
    bare = "".join(
        c for c in unicodedata.normalize("NFKD", text.lower()) if not unicodedata.combining(c)
    )
    looks = bare.translate(_look_alikes())
    for pair, single in _PAIRS:
        looks = looks.replace(pair, single)
    return looks.replace("i", "l")


def flags(item: Item, fields: Sequence[Field], officials: Officials) -> tuple[Flag, ...]:
    """Return the signs of fraud in an item; a warning about fraud is not one itself."""
    found = dict.fromkeys(_flags(item, fields, officials))
    return tuple(found)


def _flags(item: Item, fields: Sequence[Field], officials: Officials) -> Iterator[Flag]:
    for link in _links(item, fields):
        yield from _of_link(link, officials)
    handles = {h for f in fields[:2] if "@" in f.text for h in _HANDLE.findall(f.text)} | (
        {item.author.lstrip("@")} if item.kind == "post" and item.author else set()
    )
    for handle in sorted(handles):
        official, name = officials.impersonated(handle)
        if official:
            yield Flag("impersonator", f"@{handle} looks like @{official} of {name}")
    lures = list(_lures(fields))
    if lures and not any(_WARNING.search(f.text) for f in fields[:1]):
        yield from lures


def _lures(fields: Sequence[Field]) -> Iterator[Flag]:
    for field in fields:
        drainer = _drainer(field.low)
        if drainer:
            said = field.text[slice(*drainer)]
            yield Flag("drainer_phrase", f"asks for what thieves need: “{said[:80]}”")
        connect = _CONNECT.search(field.low) if "connect" in field.low else None
        if connect:
            said = field.text[slice(*connect.span())]
            yield Flag("connect_wallet", f"asks to connect a wallet: “{said[:80]}”")


def _drainer(low: str) -> tuple[int, int] | None:
    """Return where the first phrase of a thief stands."""
    found = [
        match.span()
        for hints, phrase in _DRAINERS
        if any(hint in low for hint in hints) and (match := phrase.search(low))
    ]
    return min(found, key=itemgetter(0), default=None)


def _links(item: Item, fields: Sequence[Field]) -> Sequence[str]:
    links = [item.url] if item.url else []
    for field in fields:
        low = field.low[:LINKS_IN]
        if "://" in low or _DOMAIN_END.search(low):
            words = field.text[:LINKS_IN].split()
            links += _LINK.findall(" ".join(w for w in words if "." in w[:-1] or "://" in w))
    return list(dict.fromkeys(links))[:MAX_LINKS]


def _of_link(link: str, officials: Officials) -> Iterator[Flag]:
    host = _host(link)
    if not host:
        return
    if host.removeprefix("www.") in SHORTENERS:
        yield Flag("shortened_link", f"{host} hides where it leads")
        return
    shown = _before_host(link)
    if shown:
        yield Flag("lookalike_domain", f"it shows {shown[:80]} and leads to {_readable(host)}")
    name, how = officials.imitated(host)
    if name:
        yield Flag("lookalike_domain", f"{_readable(host)} is not {name}'s: {how}")


def _host(link: str) -> str:
    try:
        return (urlsplit(link if "://" in link else f"//{link}").hostname or "").lower()
    except ValueError:
        return ""


def _before_host(link: str) -> str:
    """Return what looks like a host and is none: a name before the “@” of a link."""
    user = urlsplit(link).username or "" if "@" in link and "://" in link else ""
    return user if "." in user else ""


def _readable(host: str) -> str:
    """Return a host with its punycode decoded, so that look-alikes can be seen."""
    labels = []
    for label in host.split("."):
        try:
            labels.append(
                label[4:].encode("ascii").decode("punycode") if label.startswith("xn--") else label
            )
        except (UnicodeError, ValueError):
            labels.append(label)
    return ".".join(labels)
