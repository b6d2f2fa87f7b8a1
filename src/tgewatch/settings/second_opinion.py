"""Whom to ask where the detection is unsure."""

from typing import Annotated, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, model_validator

from tgewatch.settings.section import Secret, Section
from tgewatch.settings.units import Seconds


def _endpoint(url: str) -> str:
    text = url.strip()
    if not text:
        return ""
    parts = urlsplit(text)
    if parts.scheme not in {"http", "https"} or not parts.hostname or "@" in parts.netloc:
        raise ValueError("must be a URL such as https://api.example.com/v1/chat/completions")
    if parts.path in {"", "/", "/v1", "/v1/"}:
        raise ValueError(
            "must be the whole address of the endpoint, as …/v1/chat/completions or …/v1/messages"
        )
    return text


def _key(text: str) -> str:
    if text and (not text.isascii() or not text.isprintable() or " " in text.strip()):
        raise ValueError("must be a key: printable ASCII without spaces")
    return text.strip()


class SecondOpinionSettings(Section):
    """`[second_opinion]`."""

    url: Annotated[str, AfterValidator(_endpoint)] = ""
    """Endpoint that is asked about items whose verdict is unsure; empty asks nobody. Title, summary
    and the article's beginning are sent to it, nothing else."""
    style: str = Field(default="openai", pattern="^(openai|anthropic)$")
    """openai: chat completions; anthropic: messages."""
    model: str = ""
    """Name of the model, as the endpoint knows it."""
    key: Annotated[Secret, AfterValidator(_key)] = ""
    """Key of the endpoint. Better kept out of the file: see `key_env` and `key_file`."""
    key_env: str = ""
    """Environment variable that holds the key."""
    key_file: str = ""
    """File that holds the key."""
    band: tuple[float, float] = (0.25, 0.75)
    """Confidence between which a verdict is unsure."""
    bound: float = Field(default=2.0, gt=0, le=5)
    """Log-odds at most by which an answer moves a score, either way."""
    calls: int = Field(default=200, ge=0)
    """Questions a UTC day."""
    dollars: float = Field(default=1.0, ge=0)
    """US dollars a UTC day, by the prices below; 0 counts no money."""
    price_in: float = Field(default=1.0, ge=0)
    """US dollars for a million tokens of question."""
    price_out: float = Field(default=5.0, ge=0)
    """US dollars for a million tokens of answer."""
    tokens: int = Field(default=300, ge=50, le=4_000)
    """Of an answer at most."""
    tokens_key: str = Field(default="max_tokens", pattern="^[a-z_]{1,40}$")
    """What the endpoint calls that bound; some want max_completion_tokens."""
    deadline: Seconds = Field(default=20.0, ge=1, le=120)
    """Seconds for one answer."""
    ttl: Seconds = Field(default=30 * 86_400.0, ge=0)
    """Seconds for which an answer about the same text holds."""
    remembered: int = Field(default=1_000, ge=0, le=10_000)
    """Answers that are kept."""
    at_once: int = Field(default=2, ge=1, le=16)
    """Questions at a time."""

    @property
    def on(self) -> bool:
        """Whether anybody is asked."""
        return bool(self.url)

    @model_validator(mode="after")
    def _agreeing(self) -> Self:
        low, high = self.band
        if not 0 <= low < high <= 1:
            raise ValueError("band must be two probabilities, the lower first, as [0.25, 0.75]")
        if self.url and not self.model:
            raise ValueError("url needs a model too")
        return self
