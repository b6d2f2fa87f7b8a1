import copy
import pickle
from dataclasses import replace
from random import Random

import pytest

from tgewatch.detect.choice import candidate_keys, event_keys
from tgewatch.detect.correct import withdraw
from tgewatch.detect.dossier import Dossier, dossier
from tgewatch.detect.merge import merge
from tgewatch.detect.timeline import view
from tgewatch.model import Kind
from tgewatch.rules.lifecycle import DAY
from tgewatch.testing.claims import at, claim, day, month, quarter, soon

BEGIN = at("2026-03-01")
NOW = BEGIN + 100 * DAY
DATES = (
    None,
    None,
    day("2026-05-12"),
    day("2026-05-20"),
    month("2026-05"),
    quarter("2026-Q2"),
    soon(),
)
NAMES = ("Curvance", "Curvance Protocol", "CURV", "Nova", "Nova Labs", "Games")
TITLES = (
    "{} delays its token to June", "Binance to list {} in the second week of May",
    "{} airdrop is live, claim now", "{} claim ends on Friday", "{} opens sale round 2 on KuCoin",
    "Holders of {} points will be able to claim tokens from the middle of the month",
)  # fmt: skip
TEXT = "An audit of the claim contract by two firms comes first, the team behind {} says today"


def made(random, number):
    """Return a claim like and unlike others: about few projects, in few words, by some outlets."""
    name = random.choice(NAMES)
    words = random.choice(TITLES).format(name).split()
    if random.random() < 0.4:
        words[random.randrange(len(words))] = f"word{random.randrange(9)}"
    when = BEGIN + random.randrange(200) * DAY / 2
    one = claim(
        " ".join(words),
        random.choice(list(Kind)),
        date=random.choice(DATES),
        outlet=f"o{random.randrange(25)}.example",
        project=name,
        company=random.choice(("", "", "", "Curvance")),
        ticker=random.choice(("", "", "CURV", "NOVA")),
        confidence=random.random(),
        official=random.random() < 0.1,
        rumour=random.random() < 0.1,
        flags=random.choice(((), (), (), ("drainer_phrase",))),
        summary=random.choice(("", TEXT.format(name))),
        name=f"n{number}",
    )
    return replace(one, at=when, seen=when + random.choice((0.0, 60.0, 30 * DAY)))


def found(claims):
    """Return everything that is found of claims, but for how voices are told apart."""
    voices = {}
    return (
        tuple(claims),
        [(one.claim, one.statement, one.at) for one in claims.placed],
        [voices.setdefault(one.voice, len(voices)) for one in claims.placed],
        (claims.course.outcome, claims.course.last),
        (claims.tickers, claims.symbols),
    )


@pytest.mark.parametrize("seed", range(8))
def test_what_is_found_with_the_help_of_what_was_known_is_what_is_found_from_the_start(seed):
    random = Random(seed)  # noqa: S311 - stories, no secrets
    known, have = dossier(()), []
    for number in range(70):
        what = random.random()
        if what < 0.1 and have:
            have.pop(random.randrange(len(have)))
        elif what < 0.2 and have:
            place = random.randrange(len(have))
            have[place] = replace(have[place], why=(), confidence=0.5)
        elif what < 0.3 and have:
            place = random.randrange(len(have))
            have[place] = replace(made(random, number), id=have[place].id)
        else:
            have += [made(random, number + n / 10) for n in range(random.choice((1, 1, 1, 4)))]

        known = dossier(have, known=known)

        assert found(known) == found(dossier(have))


@pytest.mark.parametrize("seed", range(8))
def test_a_merge_that_remembers_says_what_one_says_that_begins_anew(seed):
    random = Random(seed)  # noqa: S311 - stories, no secrets
    events, seen = {}, []
    for number in range(60):
        now = NOW + number * 300.0
        if random.random() < 0.15 and seen:
            one = replace(
                random.choice(seen), title=f"Edited {number}", kind=random.choice(list(Kind))
            )
            one = replace(one, project=random.choice((one.project, random.choice(NAMES))))
        else:
            one = made(random, number)
        seen.append(one)
        keys = candidate_keys(one)
        candidates = [
            event
            for event in events.values()
            if keys & event_keys(event) or any(known.id == one.id for known in event.claims)
        ]
        bare = [replace(event, claims=tuple(event.claims)) for event in candidates]

        merged = merge(one, candidates, now)

        assert merged == merge(one, bare, now)
        for gone in merged.gone:
            del events[gone]
        for after in (merged, *merged.left):
            if after.event is not None:
                events[after.event.id] = after.event
        if random.random() < 0.05:
            event = random.choice(list(events.values()))
            alone = withdraw(event, event.claims[0].id, now)
            assert alone == withdraw(
                replace(event, claims=tuple(event.claims)), event.claims[0].id, now
            )
            if alone.event is not None:
                events[event.id] = alone.event
    assert any(len(event.claims) > 5 for event in events.values())
    assert all(isinstance(event.claims, Dossier) for event in events.values())


def test_claims_lie_in_the_order_in_which_they_were_made():
    late, early = claim("Later", when="2026-03-02"), claim("Earlier", when="2026-03-01")

    assert dossier([late, early]) == (early, late)


def test_one_that_is_in_order_already_is_the_same_one():
    one = dossier([claim("Curvance announces CURV")])

    assert dossier(one) is one
    assert dossier(list(one), known=one) is one


def test_copies_of_it_are_dossiers_and_find_the_same():
    one = dossier(
        [claim("Curvance announces CURV"), claim("CURV is live", Kind.LIVE, outlet="b.example")]
    )
    assert view(one.course, NOW) is not None

    for other in (copy.deepcopy(one), pickle.loads(pickle.dumps(one))):  # noqa: S301 - our own
        assert isinstance(other, Dossier)
        assert found(other) == found(one)


def test_the_words_of_a_claim_that_moves_nothing_are_the_new_ones():
    first = claim("Curvance announces CURV")
    known = dossier([first, claim("CURV is live", Kind.LIVE, "2026-05-12")])
    again = replace(first, url=f"{first.url}?again")

    after = dossier([again, known[1]], known=known)

    assert after[0].url == again.url
    assert after.placed[0].claim is again


def test_two_who_turn_out_to_be_one_voice_are_so_from_their_first_word_on():
    first = claim(
        "TGE on 12 May", Kind.DATE_SET, "2026-03-01", date=day("2026-05-12"), outlet="a.example"
    )
    other = claim(
        "TGE on 20 May", Kind.DATE_SET, "2026-03-02", date=day("2026-05-20"), outlet="b.example"
    )
    more = [
        claim("CURV", when="2026-03-03", outlet=f"c{n}.example", name=f"c{n}") for n in range(20)
    ]
    known = dossier([first, other, *more])
    assert known.course.outcome.conflict
    both = replace(claim("CURV", when="2026-03-04", outlet="b.example"), source=first.source)

    after = dossier([*known, both], known=known)

    assert found(after) == found(dossier([*known, both]))
    assert (after.course.outcome.date, after.course.outcome.conflict) == (other.date, "")
