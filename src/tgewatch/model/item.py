"""What is published, before any judgement."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Item:
    """An entry, post or page as published, before any judgement. Text is plain and bounded."""

    source: str
    """URL of the source."""
    key: str
    """SHA-256 (hex) of the publisher's id, or of URL and title without one; unique in a source."""
    url: str
    title: str
    summary: str = ""
    content: str = ""
    """Full text where the feed itself carries it."""
    published: float | None = None
    """None when the publisher gave no date that can be read, or one far in the future."""
    author: str = ""
    kind: str = "entry"
    """entry, post or page."""
    gone: bool = False
    """Its source says that it was removed; what it said is not repeated. Not stored as such."""

    @property
    def fingerprint(self) -> str:
        """What must change for the item to count as edited; text, to be hashed by the store."""
        return f"{self.title}\n{self.summary}\n{self.content}"


@dataclass(frozen=True, slots=True)
class Validators:
    """What makes the next request conditional (RFC 9110 section 13)."""

    etag: str = ""
    last_modified: str = ""

    def __bool__(self) -> bool:
        return bool(self.etag or self.last_modified)


NO_VALIDATORS = Validators()
