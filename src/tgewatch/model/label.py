"""What the user says an item is."""

from dataclasses import dataclass

from tgewatch.model.verdict import Kind


@dataclass(frozen=True, slots=True)
class Label:
    """The truth about one text, as the user sees it."""

    relevant: bool
    url: str = ""
    text: str = ""
    """Of what was judged, where no URL stands for it."""
    kind: Kind | None = None
    project: str = ""
    company: str = ""
    ticker: str = ""
    date: str = ""
    """ISO 8601, as coarse as it is known: 2026, 2026-Q3, 2026-08, 2026-08-14."""
    note: str = ""
    at: float = 0.0
