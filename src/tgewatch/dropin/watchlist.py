"""From the lists that a pipeline holds to what the program watches."""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tgewatch.detect.lexicon import shipped
from tgewatch.errors import ConfigError
from tgewatch.model import Company, Priority, Source
from tgewatch.settings import Settings, Terms

KNOWN_WEIGHT = 1.0
"""Log-odds that a phrase of the user's adds to what detection thinks of its words already.

On the labelled headlines of docs/detection.md more of it costs precision: a list of keywords as
wide as "announced" would make everything count.
"""
NEW_WEIGHT = 4.0
"""Log-odds of a phrase that detection knows nothing of: with a company beside it, an item counts."""
SHORT = 3
"""Letters; a word with no more says nothing by itself."""


def companies_of(given: Iterable[Any]) -> tuple[Company, ...]:
    """Return companies from names or dicts (name, aliases, tokens, exclusions, priority …).

    Keys that mean nothing here are left alone. Raises ConfigError with all problems.
    """
    found: dict[str, Company] = {}
    problems: list[str] = []
    for number, one in enumerate(_listed(given, "companies")):
        try:
            company = _company(one)
        except (TypeError, ValueError) as error:
            problems.append(f"companies[{number}]: {error}")
        else:
            found.setdefault(company.name, company)
    if problems:
        raise ConfigError(problems)
    return tuple(found.values())


def keywords_of(given: Iterable[Any]) -> tuple[str, ...]:
    """Return the phrases, once each. Raises ConfigError with all problems."""
    return _texts(given, "keywords")


def sources_of(given: Iterable[Any]) -> tuple[Source, ...]:
    """Return sources from URLs, or dicts with a url and perhaps a name.

    Whether a URL can be asked is found out by asking. Raises ConfigError with all problems.
    """
    listed = _listed(given, "sources")
    urls = _texts(
        [one.get("url") if isinstance(one, Mapping) else one for one in listed], "sources"
    )
    names = {one["url"]: one.get("name") for one in listed if isinstance(one, Mapping)}
    return tuple(Source(url=url, name=str(names.get(url) or _host(url))) for url in urls)


def identity(
    companies: Sequence[Company], keywords: Sequence[str], sources: Sequence[Source]
) -> str:
    """Return a short name for what is watched: the same lists, whatever their order, are one."""
    watched = [
        sorted((c.name, *c.aliases, *c.tickers, *c.domains, *c.exclusions, *c.context))
        for c in companies
    ]
    said = json.dumps([sorted(watched), sorted(keywords), sorted(s.url for s in sources)])
    return hashlib.sha256(said.encode()).hexdigest()[:16]


def named(name: str) -> str:
    """Return a name that may be a file's. Raises ConfigError."""
    if name and not name.replace("-", "").replace("_", "").isalnum():
        raise ConfigError([f"name {name!r}: only letters, digits, - and _"])
    return name


def settings_for(
    base: Settings,
    *,
    companies: Sequence[Company],
    keywords: Sequence[str],
    sources: Sequence[Source],
    store: Path,
) -> Settings:
    """Return the settings under which the lists are watched, in a store of their own."""
    terms = (*base.detection.terms, *_terms(keywords))
    mode = base.detection.mode if companies else "discover"
    return base.model_copy(
        update={
            "companies": tuple(companies),
            "sources": tuple(sources),
            "channels": (),
            "detection": base.detection.model_copy(update={"terms": terms, "mode": mode}),
            "store": base.store.model_copy(update={"path": store, "database_url": ""}),
        }
    )


def _terms(keywords: Sequence[str]) -> Iterator[Terms]:
    known = [phrase for phrase in keywords if _is_known(phrase.casefold())]
    new = [phrase for phrase in keywords if phrase not in known]
    if known:
        yield Terms(tier="keyword", weight=KNOWN_WEIGHT, phrases=tuple(known))
    if new:
        yield Terms(tier="new keyword", weight=NEW_WEIGHT, phrases=tuple(new))


def _is_known(phrase: str) -> bool:
    """Return whether detection has an opinion on the phrase: it is about tokens, in its words."""
    lexicon = shipped()
    terms = lexicon.terms()
    words = phrase.replace("-", " ").split()
    return (
        phrase in lexicon.phrases
        or any(word in terms for word in words)
        or all(word in lexicon.words for word in words if len(word) > SHORT)
    )


def _company(one: Any) -> Company:
    if isinstance(one, Company):
        return one
    if isinstance(one, str):
        one = {"name": one}
    if not isinstance(one, Mapping):
        raise TypeError("is neither a name nor a dict")
    name = one.get("name")
    if not isinstance(name, str) or not name.strip():
        raise ValueError("has no name")
    priority = str(one.get("priority") or Priority.MEDIUM).lower()
    if priority not in set(Priority):
        raise ValueError(f"priority is {priority!r}, not high, medium or low")
    tickers = _words(one, "tokens") + _words(one, "tickers")
    return Company(
        name=name.strip(),
        aliases=_words(one, "aliases"),
        tickers=tuple(dict.fromkeys(ticker.lstrip("$").upper() for ticker in tickers)),
        x_handle=str(one.get("x_handle") or one.get("twitter") or "").lstrip("@"),
        domains=tuple(domain.lower() for domain in _words(one, "domains")),
        exclusions=_words(one, "exclusions"),
        context=_words(one, "context"),
        priority=Priority(priority),
    )


def _words(entry: Mapping[str, Any], key: str) -> tuple[str, ...]:
    given = entry.get(key) or ()
    if isinstance(given, str):
        given = (given,)
    if not isinstance(given, Iterable) or not all(isinstance(word, str) for word in given):
        raise TypeError(f"{key} is not a list of texts")
    return tuple(dict.fromkeys(word.strip() for word in given if word.strip()))


def _listed(given: Any, what: str) -> list[Any]:
    """Return what is given one by one. Raises ConfigError for one thing where many belong."""
    if isinstance(given, str | bytes | Mapping) or not isinstance(given, Iterable):
        kind = "a text" if isinstance(given, str) else f"a {type(given).__name__}"
        raise ConfigError([f"{what}: is {'None' if given is None else kind}, not a list"])
    return list(given)


def _texts(given: Iterable[Any], what: str) -> tuple[str, ...]:
    texts = _listed(given, what)
    wrong = [n for n, text in enumerate(texts) if not isinstance(text, str)]
    if wrong:
        raise ConfigError([f"{what}[{n}]: is not a text" for n in wrong])
    return tuple(dict.fromkeys(text.strip() for text in texts if text.strip()))


def _host(url: str) -> str:
    try:
        return urlsplit(url).hostname or url
    except ValueError:
        return url
