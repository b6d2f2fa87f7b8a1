from dataclasses import replace
from random import Random

import pytest
from rensa import RMinHash, RMinHashLSH

from tgewatch.detect import near
from tgewatch.detect.near import SILENCE, copies, independent
from tgewatch.detect.voice import voices_of
from tgewatch.testing.claims import claim

WIRE = (
    "Curvance said on Thursday that holders of its points will be able to claim tokens from "
    "the middle of May, after an audit of the claim contract by two firms."
)


def count(*claims):
    return len(set(independent(claims)))


def test_each_outlet_is_a_voice():
    assert (
        count(
            claim("Curvance announces CURV", outlet="a.example"),
            claim("A token for Curvance", outlet="b.example"),
        )
        == 2
    )


def test_one_outlet_is_one_voice_however_often_it_speaks():
    assert (
        count(
            claim("Curvance announces CURV", outlet="a.example"),
            claim("Curvance: all about the claim", outlet="a.example"),
            claim("Curvance token explained", outlet="news.a.example"),
        )
        == 1
    )


def test_a_syndicated_copy_is_no_further_voice_though_a_few_words_differ():
    title = "Curvance to open token claims in the middle of May after audit"
    assert (
        count(
            claim(title, outlet="a.example", summary=WIRE),
            claim(title, outlet="b.example", summary=WIRE),
            claim(
                title + " - Wire", outlet="c.example", summary=WIRE.replace("two firms", "2 firms")
            ),
        )
        == 1
    )


def test_another_text_on_the_same_news_is_another_voice():
    title = "Curvance to open token claims in the middle of May after audit"
    other = (
        "The lending market has named a window for its airdrop, and its founder expects that "
        "most of the supply will be in the hands of users within a week."
    )
    assert (
        count(
            claim(title, outlet="a.example", summary=WIRE),
            claim(title, outlet="b.example", summary=other),
        )
        == 2
    )


def test_short_titles_are_alike_by_chance():
    assert (
        count(
            claim("Curvance TGE is live", outlet="a.example"),
            claim("Curvance TGE is live", outlet="b.example"),
        )
        == 2
    )


def test_accounts_found_by_one_search_are_apart():
    first = replace(
        claim("Curvance claims are open"), url="https://x.com/alice/status/1", source="x:search"
    )
    second = replace(
        claim("The Curvance airdrop"), url="https://x.com/bob/status/2", source="x:search"
    )

    assert count(first, second) == 2


def test_articles_of_one_feed_are_one_voice_wherever_they_lead():
    first = claim("Curvance announces CURV", outlet="a.example")
    second = replace(claim("Curvance token, explained"), source=first.source)

    assert count(first, second) == 1


def test_copies_are_mutual():
    one = claim("Curvance to open token claims in May", outlet="a.example", summary=WIRE)
    other = claim("Curvance to open claims for token in May", outlet="b.example", summary=WIRE)

    assert copies(one, other)
    assert copies(other, one)


def test_nothing_is_no_voice_and_empty_texts_are_no_copies():
    assert independent([]) == ()
    assert count(claim("", outlet="a.example"), claim("", outlet="b.example", name="x")) == 2


def test_a_thousand_copies_of_one_wire_are_one_voice():
    claims = [
        claim(f"Curvance token news number {n} of a long day", outlet=f"o{n}.example", summary=WIRE)
        for n in range(1_000)
    ]

    assert independent(claims) == (0,) * 1_000


def signature_of(text):
    plain = " ".join(near._WORD.findall(text[: near.TEXT_LIMIT].casefold()))
    signature = RMinHash(num_perm=near.PERMUTATIONS, seed=near.SEED)
    width = max(1, len(plain) - near.SHINGLE + 1)
    signature.update([plain[i : i + near.SHINGLE] for i in range(width)])
    return signature if plain else None


def near_ones(texts):
    """Yield for each text the places before it that an index finds, the earliest of a crowd."""
    index = RMinHashLSH(threshold=0.5, num_perm=near.PERMUTATIONS, num_bands=near.BANDS)
    for place, text in enumerate(texts):
        signature = signature_of(text)
        if signature is not None:
            yield place, sorted(index.query(signature))[: near.CROWD]
            index.insert(place, signature)


def by_the_book(claims):
    """Return what `independent` returns, as its rule says it, with no memory of anything."""
    voice = list(range(len(claims)))

    def join(one, other):
        first, second = sorted((voice[one], voice[other]))
        voice[:] = [first if number == second else number for number in voice]

    heard = {}
    for place, one in enumerate(claims):
        for name in voices_of(one):
            join(heard.setdefault(name, place), place)
    for texts in ([one.title for one in claims], [one.text for one in claims]):
        for place, others in near_ones(texts):
            for other in others:
                if copies(claims[other], claims[place]):
                    join(other, place)
    return tuple(voice)


@pytest.mark.parametrize("seed", range(8))
def test_voices_that_are_heard_one_by_one_are_those_of_the_whole(seed):
    random = Random(seed)  # noqa: S311 - texts, no secrets
    words = [f"word{n}" for n in range(60)]
    basis = [random.choices(words, k=12) for _ in range(random.choice((1, 2, 6)))]

    def varied():
        found = list(random.choice(basis))
        for _ in range(random.choice((0, 0, 1, 2, 3, 5))):
            found[random.randrange(12)] = random.choice(words)
        return " ".join(found)

    voices, have = SILENCE, []
    for number in range(90):
        if random.random() < 0.1 and have:
            have.pop(random.randrange(len(have)))
        summary = random.choice(("", varied()))
        title = random.choice((varied(), "Few words", ""))
        one = claim(
            title, outlet=f"o{random.randrange(70)}.example", summary=summary, name=f"{number}"
        )
        have.insert(random.randrange(len(have) + 1), one)

        voices = voices.heard(have)

        if number % 10 == 9:
            assert voices.numbers == by_the_book(have) == independent(have)


@pytest.mark.parametrize("seed", range(20))
def test_of_a_crowd_the_first_stand_for_all(seed):
    random = Random(seed)  # noqa: S311 - places, no secrets
    places = sorted(random.sample(range(400), random.choice((0, 1, 31, 32, 33, 34, 60, 300))))

    found = near._crowd(sum(1 << place for place in places))

    assert found == sum(1 << place for place in places[: near.CROWD])
