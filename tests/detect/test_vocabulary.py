import pytest

from tgewatch.detect import lexicon
from tgewatch.detect.vocabulary import LONGEST, NEVER, Vocabulary, established

LISTED = """# a comment
Veldra|VEL|2024-06
Veldra|VEL|2023-01

Litora|LIT|2021-02
"""
SINCE = 2023 * 12 + 1 + 2


@pytest.fixture(scope="module")
def vocabulary():
    return Vocabulary(lexicon.shipped(), established(LISTED), lexicon.common_words())


def senses(vocabulary, text):
    (word,) = vocabulary.chunk(text, text.lower())
    return word.senses


def tags(vocabulary, text):
    return [sense.tag for sense in senses(vocabulary, text)]


def test_the_earliest_month_of_a_token_counts_and_two_months_of_grace():
    known = established(LISTED)

    assert known.names["veldra"] == known.tickers["VEL"] == SINCE


def test_an_established_name_is_known_in_any_text_and_its_bare_ticker_in_a_quiet_one(vocabulary):
    assert [s.since for s in senses(vocabulary, "Veldra")] == [SINCE] * 4
    assert [s.since for s in senses(vocabulary, "$vel")] == [SINCE] * 4
    assert [s.since for s in senses(vocabulary, "VEL")] == [SINCE, NEVER, SINCE, NEVER]
    assert [s.since for s in senses(vocabulary, "veldra")] == [NEVER] * 4


def test_a_word_in_capitals_is_a_ticker_in_a_quiet_text_alone(vocabulary):
    assert tags(vocabulary, "QRVX") == ["CAPS", "NAME", "CAPS", "NAME"]
    assert tags(vocabulary, "USA") == ["PLACE"] * 4


def test_an_ordinary_word_with_a_capital_is_a_name_among_small_letters(vocabulary):
    assert tags(vocabulary, "Money") == ["money", "money", "NAME", "NAME"]
    assert [s.ordinary for s in senses(vocabulary, "Money")] == [True, True, False, False]
    assert not any(s.ordinary for s in senses(vocabulary, "money"))


@pytest.mark.parametrize(
    ("text", "tag"),
    [("$5", "MONEY"), ("$ABC", "TICKER"), ("@abc", "HANDLE"), ("#abc", "HASHTAG"), ("#airdrop", "AIRDROP"),
     ("12%", "PCT"), ("3x", "TIMES"), ("2025", "YEAR"), ("1999", "NUM"), ("(", "("), ("-", "")],
)  # fmt: skip
def test_what_is_no_word_has_the_class_of_its_kind(vocabulary, text, tag):
    assert tags(vocabulary, text) == [tag] * 4


def test_a_word_broken_off_has_the_class_of_the_only_one_it_begins(vocabulary):
    (word, _) = vocabulary.chunk("launchpo…", "launchpo…")
    whole = lexicon.shipped().words["launchpool"]

    assert [s.tag for s in word.senses] == [whole] * 4
    assert tags(vocabulary, "launchpo") != [whole] * 4


def test_a_chunk_is_taken_apart_with_the_places_of_its_words(vocabulary):
    words = vocabulary.chunk("(QRV),", "(qrv),")

    assert [(w.text, w.low, w.start, w.end) for w in words] == [
        ("(", "(", 0, 1),
        ("QRV", "qrv", 1, 4),
        (")", ")", 4, 5),
        (",", ",", 5, 6),
    ]


def test_chunks_are_remembered_but_no_long_ones(vocabulary):
    long = "x" * (LONGEST + 1)

    assert vocabulary.chunk("QRV", "qrv") is vocabulary.chunk("QRV", "qrv")
    assert vocabulary.chunk(long, long) is not vocabulary.chunk(long, long)
    assert vocabulary.chunk(long, long) == vocabulary.chunk(long, long)
    assert vocabulary.chunk("", "") == ()
