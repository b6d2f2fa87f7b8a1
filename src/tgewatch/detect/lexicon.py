"""The classes of words that detection knows, read from the data that ships with the package."""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources

TERM_CLASSES = frozenset(
    {
        "TOKEN", "TOKENS", "NEWTOKEN", "AIRDROP", "AIRDROPS", "TGE", "SALE", "PRESALE", "POOL",
        "TOKENOMICS", "CLAIM", "LISTING", "TRADING", "DATED",
    }
)  # fmt: skip
"""An item without a word of these classes is about something else."""


@dataclass(frozen=True, slots=True)
class Lexicon:
    """Words and phrases in lower case, each with its class."""

    words: Mapping[str, str]
    phrases: Mapping[str, str]

    extra: Sequence[str] = ()
    """Further terms of the early filter, which are no evidence by themselves."""
    hosts: frozenset[str] = frozenset()
    """Networks and places that tokens of others live on, in lower case."""

    def terms(self) -> Mapping[str, str]:
        """Return term → tier (its class in lower case) for what the early filter looks for."""
        both = {**self.words, **self.phrases}
        found = {term: name.lower() for term, name in both.items() if name in TERM_CLASSES}
        return {**dict.fromkeys(self.extra, "hint"), **found}


def read(text: str) -> Lexicon:
    """Return the lexicon that a TOML document describes; the first class to list a word has it."""
    words: dict[str, str] = {}
    phrases: dict[str, str] = {}
    document = tomllib.loads(text)
    for name, entry in document["class"].items():
        for word in entry.get("words", "").split():
            words.setdefault(word, name)
        for phrase in entry.get("phrases", ()):
            phrases.setdefault(phrase, name)
    return Lexicon(
        words=words,
        phrases=phrases,
        extra=tuple(document.get("hints", ())),
        hosts=frozenset(document.get("hosts", ())),
    )


def data(name: str) -> str:
    """Return the text of a data file that ships with detection."""
    return resources.files("tgewatch.detect").joinpath("data", name).read_text(encoding="utf-8")


@cache
def shipped() -> Lexicon:
    """Return the lexicon that ships with the package; it is read once, on first use."""
    return read(data("lexicon.toml"))


@cache
def common_words() -> frozenset[str]:
    """Return ordinary English words; what is capitalised and none of them is a name."""
    lines = data("common_words.txt").splitlines()
    return frozenset(w for line in lines if not line.startswith("#") for w in line.split())
