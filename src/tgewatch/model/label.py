"""What the user says an item is."""

from dataclasses import dataclass

from tgewatch.model.verdict import Kind


@dataclass(frozen=True, slots=True)
class Label:
    """The truth about one text, as the user sees it."""

    relevant: bool
    url: str = ""
    text: str = ""
    """Of what was judged: title, line break, the rest. Kept beside a URL too, so that the label
    outlives its item."""
    post: bool = False
    """It is a post and no article."""
    published: float | None = None
    """When the text was; what it says of days is read from then on."""
    kind: Kind | None = None
    project: str = ""
    company: str = ""
    ticker: str = ""
    date: str = ""
    """ISO 8601, as coarse as it is known: 2026, 2026-Q3, 2026-08, 2026-08-14."""
    note: str = ""
    at: float = 0.0
