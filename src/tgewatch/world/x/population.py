"""Invented accounts that post at stated rates, for as long as it takes."""

from dataclasses import dataclass, field
from random import Random

from tgewatch.world.names import project_names
from tgewatch.world.x.posts import Account, Archive, Post

DAY = 86_400.0
RELEVANT = (
    "Our token generation event for ${t} takes place on {d}. Details: https://blog.{h}.example/tge",
    "The {p} airdrop is coming: {n} % of the ${t} supply goes to early users.",
    "${t} is live. The {p} token launch was this morning; claim at https://claim.{h}.example",
    "We have published the tokenomics of ${t}, ahead of our TGE. Read https://{h}.example/tokenomics",
    "The ${t} TGE moves to {d}. We would rather be late than unsafe.",
)
CHATTER = (
    "Community call on {d}. Bring questions for the {p} team.",
    "{n} developers joined our hackathon this week.",
    "Release {n}.2 of our client is out: https://docs.{h}.example/releases",
    "We are hiring in {n} countries.",
    "Good morning from the {p} team.",
    "A thread on how {p} proves its state, part {n}.",
)
CROWD = (
    "${t} TGE when? Asking for a friend",
    "my guide to the {p} airdrop, {n} steps, link in bio",
    "{p} token launch rumours again, do not believe them",
    "gm",
    "sold my ${t} at {n} % profit",
    "CLAIM your ${t} now https://{h}-claim{n}.example before it ends",
)
REPLIES = ("Thanks, noted.", "See our docs.", "We answer in the forum.", "Soon. Really.")
CROWD_RATE = 2.0
"""Posts of a stranger in a day."""
STRANGER = 1_100_000_000_000_000_000
"""Id of the first of them."""
PADDING = "There is more to say about how this works, and we say it here at some length. "


@dataclass(frozen=True, slots=True)
class Rates:
    """Posts of one account in a day."""

    originals: float = 3.0
    replies: float = 5.0
    reposts: float = 2.0
    relevant: float = 0.1
    """Share of originals that are about the token."""
    long: float = 0.1
    """Share of originals whose text goes past what is shown; the relevant words come last."""
    edited: float = 0.02
    """Share of originals that are edited within the hour."""
    deleted: float = 0.01


@dataclass(frozen=True, slots=True)
class Population:
    """Accounts, and all they will have posted."""

    archive: Archive
    accounts: tuple[Account, ...]
    relevant: frozenset[int] = field(default=frozenset())
    """Ids of posts about a token, in their first version."""


def make_population(
    *,
    seed: int,
    accounts: int,
    start: float,
    days: float = 1.0,
    before: float = 1.0,
    rates: Rates | None = None,
    crowd: int = 0,
    list_id: int = 1_700_000_000_000_000_001,
) -> Population:
    """Return accounts that post from `before` days before `start` until `days` after it.

    All of them are members of the list `list_id`. `crowd` strangers, who are not, post about them
    twice a day. The same arguments give the same posts.
    """
    chance = Random(seed)  # noqa: S311 - a simulation
    rates = rates or Rates()
    archive = Archive()
    people = [
        _account(chance, number, name, ticker)
        for number, (name, ticker) in enumerate(_names(chance, accounts))
    ]
    for account, _, _ in people:
        archive.add_account(account)
    archive.lists[list_id] = frozenset(account.id for account, _, _ in people)
    begin, end = start - before * DAY, start + days * DAY
    moments: list[tuple[float, int, str]] = []
    for number in range(len(people)):
        for kind, rate in (
            ("original", rates.originals),
            ("reply", rates.replies),
            ("repost", rates.reposts),
        ):
            at = begin
            while rate and (at := at + chance.expovariate(rate / DAY)) < end:
                moments.append((at, number, kind))
    for number in range(crowd):
        at = begin
        archive.add_account(_stranger(chance, number))
        while (at := at + chance.expovariate(CROWD_RATE / DAY)) < end:
            moments.append((at, number, "crowd"))
    moments.sort()
    writer = _Writer(archive, people, rates, chance)
    for at, number, kind in moments:
        writer.write(round(at, 3), number, kind)
    return Population(archive, tuple(one for one, _, _ in people), frozenset(writer.relevant))


def _names(chance: Random, amount: int) -> list[tuple[str, str]]:
    """Return project names and tickers; beyond the number that can be made, numbered ones."""
    made = project_names(chance, min(amount, 300))
    return [
        (f"{made[n % len(made)][0]} {n // len(made)}", made[n % len(made)][1] + str(n // len(made)))
        if n >= len(made)
        else made[n]
        for n in range(amount)
    ]


def _account(chance: Random, number: int, name: str, ticker: str) -> tuple[Account, str, str]:
    stem = "".join(c for c in name if c.isalnum())
    username = f"{stem[:9]}{chance.choice(('', 'HQ', '_xyz', 'io'))}"
    username = f"{username[:11]}{number}" if number >= 300 else username[:15]  # noqa: PLR2004
    account = Account(
        id=1_500_000_000_000_000_000 + chance.randrange(10**15) * 100 + number % 100,
        username=username,
        name=name,
        followers=int(chance.lognormvariate(9.0, 1.5)),
        bio=f"{name}, a protocol",
        verified=True,
    )
    return account, name, ticker


def _stranger(chance: Random, number: int) -> Account:
    return Account(
        id=STRANGER + number,
        username=f"anon_{number}",
        followers=int(chance.lognormvariate(5.0, 2.0)),
    )


@dataclass(slots=True)
class _Writer:
    archive: Archive
    people: list[tuple[Account, str, str]]
    rates: Rates
    chance: Random
    relevant: set[int] = field(default_factory=set)
    _originals: list[int] = field(default_factory=list)

    def write(self, at: float, number: int, kind: str) -> None:
        """Let an account, or stranger, post something of that kind."""
        if kind == "crowd":
            self._crowd(at, number)
            return
        account, name, ticker = self.people[number]
        if kind != "original" and not self._originals:
            return
        target = self.chance.choice(self._originals[-200:]) if kind != "original" else 0
        about_token = kind == "original" and self.chance.random() < self.rates.relevant
        post = Post(
            id=self.archive.next_id(at),
            author=account.id,
            text=self._text(kind, name, ticker, about_token=about_token),
            at=at,
            kind=kind,
            target=target,
            likes=int(self.chance.lognormvariate(3.0, 1.5)),
            reposts=int(self.chance.lognormvariate(1.0, 1.5)),
        )
        self.archive.add(post)
        if about_token:
            self.relevant.add(post.id)
        if kind == "original":
            self._originals.append(post.id)
            self._after(post, at)

    def _after(self, post: Post, at: float) -> None:
        roll = self.chance.random()
        if roll < self.rates.edited:
            changed = round(at + self.chance.uniform(20.0, 3_000.0), 3)
            self.archive.edit(post.id, post.text + " (edited)", at=changed)
        elif roll < self.rates.edited + self.rates.deleted:
            self.archive.delete(post.id, at=at + self.chance.uniform(60.0, 40_000.0))

    def _crowd(self, at: float, number: int) -> None:
        _, name, ticker = self.chance.choice(self.people)
        text = self._filled(self.chance.choice(CROWD), name, ticker)
        self.archive.add(
            Post(
                id=self.archive.next_id(at),
                author=STRANGER + number,
                text=text,
                at=at,
                lang=self.chance.choice(("en", "en", "en", "tr", "ja")),
                likes=int(self.chance.lognormvariate(1.0, 2.0)),
            )
        )

    def _text(self, kind: str, name: str, ticker: str, *, about_token: bool) -> str:
        chance = self.chance
        if kind == "reply":
            return chance.choice(REPLIES)
        if kind == "repost":
            return "RT"
        text = self._filled(chance.choice(RELEVANT if about_token else CHATTER), name, ticker)
        return PADDING * 5 + text if chance.random() < self.rates.long else text

    def _filled(self, template: str, name: str, ticker: str) -> str:
        return template.format(
            p=name,
            t=ticker,
            h="".join(c for c in name.lower() if c.isalnum()),
            n=self.chance.randrange(2, 40),
            d=f"{self.chance.randrange(1, 29)} March",
        )
