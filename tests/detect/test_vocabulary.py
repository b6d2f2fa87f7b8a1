import pytest

from tgewatch.detect import lexicon
from tgewatch.detect.text import field
from tgewatch.detect.vocabulary import LONGEST, NEVER, Vocabulary, established

LISTED = """# a comment
Veldra|VEL|2024-06
Veldra|VEL|2023-01

Litora|LIT|2021-02
Brix|BRX|2023-01
"""
SINCE = 2023 * 12 + 1 + 2


@pytest.fixture(scope="module")
def vocabulary():
    return Vocabulary(lexicon.shipped(), established(LISTED), lexicon.common_words())


def words(vocabulary, text, limit=100):
    return vocabulary.words(field("title", text), limit)


def senses(vocabulary, text):
    ((_, word),) = words(vocabulary, text)
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


def test_small_letters_are_enough_for_a_long_name(vocabulary):
    assert [s.since for s in senses(vocabulary, "veldra")] == [SINCE] * 4
    assert [s.since for s in senses(vocabulary, "brix")] == [NEVER] * 4
    assert [s.since for s in senses(vocabulary, "Brix")] == [SINCE] * 4


def test_what_follows_a_currency_is_a_stable_coin_with_or_without_a_sign(vocabulary):
    assert tags(vocabulary, "$USDD") == tags(vocabulary, "#USDD") == ["STABLE"] * 4
    assert tags(vocabulary, "$BRIXD") == ["TICKER"] * 4


@pytest.mark.parametrize(
    "handle", ["@kucoincom", "@MEXC_Global", "@gate_io", "@BitrueOfficial", "@binance"]
)
def test_the_handle_of_an_exchange_is_a_place_of_trade(vocabulary, handle):
    assert tags(vocabulary, handle) == ["EXCHANGE"] * 4


@pytest.mark.parametrize("handle", ["@veldra_io", "@officialgate2", "@binancefan", "@global"])
def test_other_handles_are_nobodys_in_particular(vocabulary, handle):
    assert tags(vocabulary, handle) == ["HANDLE"] * 4


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
    (_, word), _ = words(vocabulary, "launchpo…")
    whole = lexicon.shipped().words["launchpool"]

    assert [s.tag for s in word.senses] == [whole] * 4
    assert tags(vocabulary, "launchpo") != [whole] * 4


def test_words_come_with_the_place_of_their_chunk_up_to_a_bound(vocabulary):
    found = words(vocabulary, "to  (QRV), now")

    assert [(at, w.text, w.low, w.start, w.end) for at, w in found] == [
        (0, "to", "to", 0, 2),
        (4, "(", "(", 0, 1),
        (4, "QRV", "qrv", 1, 4),
        (4, ")", ")", 4, 5),
        (4, ",", ",", 5, 6),
        (11, "now", "now", 0, 3),
    ]
    assert words(vocabulary, "to  (QRV), now", limit=3) == found[:3]
    assert words(vocabulary, "") == []


@pytest.mark.parametrize("text", ["QRV", "Токен"])
def test_a_short_chunk_is_taken_apart_once(vocabulary, text):
    ((_, first),), ((_, again),) = words(vocabulary, text), words(vocabulary, text)

    assert first is again


def test_a_long_chunk_is_read_and_not_kept(vocabulary):
    long = "x" * (LONGEST + 1)
    ((_, first),), ((_, again),) = words(vocabulary, long), words(vocabulary, long)

    assert first == again
    assert first is not again


def test_a_word_beyond_ascii_has_the_lower_case_of_its_field(vocabulary):
    ((_, sigma),) = words(vocabulary, "ΟΔΟΣ")
    (_, longer), _ = words(vocabulary, "ΟΔΟΣ İ")

    assert sigma.low == "οδος"
    assert longer.low == "οδοσ"
