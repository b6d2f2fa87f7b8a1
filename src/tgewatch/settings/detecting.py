"""What counts, and how much."""

from pydantic import Field

from tgewatch.settings.section import Section


class Terms(Section):
    """One tier of terms: `[[detection.terms]]`."""

    tier: str
    """Name of the tier."""
    weight: float
    """Log-odds that a term of this tier adds."""
    phrases: tuple[str, ...]
    """Words and phrases, matched whole and in any case."""


class DetectionSettings(Section):
    """`[detection]`."""

    mode: str = Field(default="watch", pattern="^(watch|discover)$")
    """watch: listed companies only; discover: any named project."""
    threshold: float = Field(default=0.5, gt=0, lt=1)
    """Confidence from which an item is relevant."""
    terms: tuple[Terms, ...] = ()
    """Added to those that ship with the program."""
