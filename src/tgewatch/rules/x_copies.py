"""Which posts say again what another one has said."""

import re
from collections import OrderedDict, deque

from rapidfuzz import fuzz

ALIKE = 88.0
"""Likeness (0 to 100, rapidfuzz ratio) from which two texts are one."""
FEWEST = 6
"""Words; shorter texts are alike by chance."""
WITHIN = 86_400.0
"""Seconds for which a text is remembered."""
COMPARED = 300
"""Latest texts that one more is compared with."""
MOST = 50_000
_NOISE = re.compile(r"https?://\S+|@\w+|[^\w\s$#]")


class Copies:
    """Remembers the texts of strangers for a day, within bounds."""

    def __init__(self) -> None:
        self._exact: OrderedDict[str, tuple[str, float]] = OrderedDict()
        self._latest: deque[tuple[str, str, float]] = deque(maxlen=COMPARED)

    def __repr__(self) -> str:
        return f"<Copies {len(self._exact)} texts>"

    def original(self, post: str, text: str, at: float) -> str:
        """Return the post whose text this one repeats, or nothing; remember a new text."""
        words = _NOISE.sub(" ", text.casefold()).split()
        if len(words) < FEWEST:
            return ""
        plain = " ".join(words)
        known = self._exact.get(plain)
        if known is not None and at - known[1] <= WITHIN:
            return known[0] if known[0] != post else ""
        for other, said, when in reversed(self._latest):
            if (
                at - when <= WITHIN
                and other != post
                and fuzz.ratio(plain, said, score_cutoff=ALIKE)
            ):
                return other
        self._exact[plain] = (post, at)
        self._exact.move_to_end(plain)
        self._latest.append((post, plain, at))
        while len(self._exact) > MOST:
            self._exact.popitem(last=False)
        return ""
