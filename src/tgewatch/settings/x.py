"""How X is read, and what it may cost."""

import re
from typing import Annotated, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, model_validator

from tgewatch.model import Priority
from tgewatch.settings.section import Secret, Section
from tgewatch.settings.units import Seconds

PHRASES = (
    "TGE",
    "airdrop",
    "tokenomics",
    "token generation",
    "token launch",
    "token sale",
    "token claim",
    "claim portal",
    "token listing",
    "presale",
    "snapshot",
)
"""What a post has to hold to be worth its price, unless told otherwise."""


def _base(url: str) -> str:
    parts = urlsplit(url.strip().rstrip("/"))
    if parts.scheme not in {"http", "https"} or not parts.hostname or "@" in parts.netloc:
        raise ValueError("must be a URL such as https://api.x.com")
    if parts.query or parts.fragment:
        raise ValueError("must be a URL without ? and #")
    return url.strip().rstrip("/")


def _list_url(url: str) -> str:
    parts = urlsplit(url.strip())
    if url and (parts.scheme not in {"http", "https"} or not parts.hostname or "@" in parts.netloc):
        raise ValueError("must be a URL such as https://console.x.com/api/credits/pricing")
    return url.strip()


def _token(text: str) -> str:
    if text and (not text.isascii() or not text.isprintable() or " " in text.strip()):
        raise ValueError("must be a bearer token: printable ASCII without spaces")
    return text.strip()


def _list_id(text: str) -> str:
    if text and not re.fullmatch(r"[0-9]{1,19}", text, re.ASCII):
        raise ValueError("must be the number of a list, as its address has it")
    return text


class PriceSettings(Section):
    """`[x.prices]`: US dollars."""

    post: float = Field(default=0.005, ge=0)
    """For a post returned, once in a UTC day."""
    user: float = Field(default=0.010, ge=0)
    """For a user looked up, once in a UTC day."""
    counts: float = Field(default=0.005, ge=0)
    """For a request for counts."""
    url: Annotated[str, AfterValidator(_list_url)] = ""
    """Price list to load once a day, such as https://console.x.com/api/credits/pricing; what it
    names counts instead, and while it cannot be loaded what stands here."""


class XSettings(Section):
    """`[x]`."""

    token: Annotated[Secret, AfterValidator(_token)] = ""
    """Bearer token of an app; without one X is off. Better kept out of the file: see `token_env`
    and `token_file`."""
    token_env: str = ""
    """Environment variable that holds the token."""
    token_file: str = ""
    """File that holds the token."""
    base_url: Annotated[str, AfterValidator(_base)] = "https://api.x.com"
    """Where the API answers; the token goes nowhere else."""
    strategy: str = Field(default="auto", pattern="^(auto|stream|list|packed|timelines)$")
    """auto: the filtered stream where X allows it, else a list, else accounts packed into searches,
    else timelines. A name forces that way."""
    list_id: Annotated[str, AfterValidator(_list_id)] = ""
    """List on X that holds all accounts: one search covers it. Make it by hand, public."""
    search_all: str = Field(default="auto", pattern="^(auto|never)$")
    """Whether accounts that recent search cannot cover in time may be asked of search/all too."""
    phrases: tuple[str, ...] = PHRASES
    """A post has to hold one of these to be returned, for companies of `clause_for`; only what is
    returned costs."""
    clause_for: tuple[Priority, ...] = (Priority.MEDIUM, Priority.LOW)
    """Priorities whose accounts are narrowed by `phrases`; all posts of the others are read."""
    exclude: str = "-is:retweet -is:reply"
    """Operators that are added to every query of accounts."""
    keywords: tuple[str, ...] = ()
    """Phrases to look for across all of X; each match costs. Off when empty."""
    keyword_filter: str = "lang:en -is:retweet"
    """Operators that narrow the keywords, in searches and on the stream."""
    keyword_posts: int = Field(default=200, ge=0)
    """Posts a day that the keywords may bring; they are counted first and left out when it is more."""
    keyword_followers: int = Field(default=5_000, ge=0)
    """Followers that an author needs to count on the stream; a search cannot ask for that."""
    cycle: Seconds = Field(default=60.0, ge=5)
    """Seconds between two looks at an account, on average, where searches are all there is and the
    limits allow it."""
    quiet: Seconds = Field(default=300.0, ge=30)
    """Seconds at most between two looks at accounts that are quiet."""
    audit: Seconds = Field(default=300.0, ge=60)
    """Seconds between two searches that look for what the stream has missed."""
    recheck: Seconds = Field(default=3_600.0, ge=0)
    """Seconds between two looks at whether X still has the posts of today, which costs nothing; 0
    never looks. The claims of one that is gone are noted as removed, and its text is dropped."""
    history: Seconds = Field(default=6 * 3_600.0, ge=0, le=6 * 86_400.0)
    """Seconds of the past that are read on first sight."""
    overlap: Seconds = Field(default=90.0, ge=0, le=3_600.0)
    """Seconds that two searches share, for posts that are indexed late."""
    pages: int = Field(default=10, ge=1, le=100)
    """Pages at most that one search reads at once; the rest follows."""
    at_once: int = Field(default=8, ge=1, le=64)
    """Calls at a time."""
    users_fresh: Seconds = Field(default=30 * 86_400.0, ge=3_600.0)
    """Seconds until the names of accounts are looked up again; ids never change."""
    budget: float = Field(default=50.0, gt=0)
    """US dollars a month. Keywords are left out at `soft` of it, companies of low priority at
    `late`, all but those of high priority at the whole."""
    budget_day: float = Field(default=0.0, ge=0)
    """US dollars a UTC day, likewise; 0 sets none."""
    soft: float = Field(default=0.80, gt=0, le=1)
    """Share of the budget at which keywords end."""
    late: float = Field(default=0.95, gt=0, le=1)
    """Share of the budget at which companies of low priority end."""
    prices: PriceSettings = PriceSettings()
    """What X charges."""

    @property
    def on(self) -> bool:
        """Whether X is read at all."""
        return bool(self.token)

    @model_validator(mode="after")
    def _agreeing(self) -> Self:
        if self.strategy == "list" and not self.list_id:
            raise ValueError('strategy = "list" needs a list_id')
        if self.late < self.soft:
            raise ValueError("late must not be less than soft")
        return self
