"""Everything a verdict rests on, read from an item once."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from tgewatch.detect import features, lexicon, reading, vocabulary
from tgewatch.detect.frames import Frames, compiled
from tgewatch.detect.text import Field, field, fields_of
from tgewatch.model import DateClaim, Item
from tgewatch.parse import dates

LEAD = 600
"""Characters of summary or article that are read closely; the event stands in the lead."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What was read: fields, readings and dates in step, the title first; features of it all."""

    fields: Sequence[Field]
    """All of the text."""
    readings: Sequence[reading.Reading]
    """The title and the lead, closely."""
    dates: Sequence[Sequence[DateClaim]]
    """For each reading."""
    features: features.Features
    post: bool


class Examiner:
    """Turns items into evidence. Built once: it compiles patterns and reads the shipped data."""

    def __init__(self) -> None:
        self._reader = reading.Reader(
            lexicon.shipped(),
            vocabulary.established(lexicon.data("established.txt")),
            lexicon.common_words(),
        )
        frames = lexicon.data("frames.toml")
        self._frames = Frames(
            [*compiled(frames, "frame"), *compiled(frames, "against", label="frame")]
        )
        self._kinds = Frames(compiled(frames, "kind", label="says"))

    @property
    def reader(self) -> reading.Reader:
        """Return what tells names from words."""
        return self._reader

    def examine(self, item: Item, article: str = "") -> Evidence:
        """Return the evidence of an item; with an article, its lead stands in for the summary."""
        fields = fields_of(item, article)
        post = item.kind == "post"
        close = [fields[0]] if post else [fields[0], *_lead(fields[1:], fields[0])]
        readings = [self._reader.read(f, item.published) for f in close]
        when = item.published
        found = (
            [()] * len(close)
            if when is None
            else [dates.find(f.text, published=when, field=f.name) for f in close]
        )
        named = features.features(
            readings, frames=self._frames, kinds=self._kinds, dates=found[0], post=post
        )
        return Evidence(fields, readings, found, named, post)


_FEED_TAIL = re.compile(r"\s*The post .{5,200}appeared first on.*$", re.DOTALL)


def _lead(fields: Sequence[Field], title: Field) -> Sequence[Field]:
    """Return the one field after the title that says most, cut to its lead."""
    for found in fields:
        text = _FEED_TAIL.sub("", found.text[:LEAD])
        if text and text.strip() != title.text.strip():
            return (field(found.name, text),)
    return ()
