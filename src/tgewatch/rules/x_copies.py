"""Which posts are known, and which say again what another one has said."""

import re
from collections import OrderedDict, deque

from rapidfuzz import fuzz

from tgewatch.model.post import Post

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


class Sieve:
    """Lets each version of a post through once, and of a repost or copy what it repeats.

    Within bounds: what was forgotten comes again, and the store knows it.
    """

    def __init__(self) -> None:
        self._versions: OrderedDict[int, int] = OrderedDict()
        """Item (first version, or what is reposted) → latest version that came through."""
        self._copies = Copies()
        self.repeated = 0
        """Posts that had come before."""
        self.reposts = 0
        self.edits = 0
        self.copies = 0

    def __repr__(self) -> str:
        return f"<Sieve {len(self._versions)} posts>"

    def passes(self, post: Post, *, stranger: bool) -> bool:
        """Return whether a post is news: a new one, or a later version of a known one.

        Of strangers, texts that are like another stranger's of the same day are none.
        """
        item = post.repost_of or post.root
        before = self._versions.get(item)
        if before is not None and (post.id <= before or post.repost_of):
            self.repeated += post.id <= before
            self.reposts += post.id > before
            return False
        if before is None and stranger and self._copies.original(str(item), post.text, post.at):
            self.copies += 1
            return False
        self.edits += before is not None
        self._versions[item] = post.id
        self._versions.move_to_end(item)
        while len(self._versions) > MOST:
            self._versions.popitem(last=False)
        return True
