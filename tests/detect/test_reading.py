from datetime import UTC, datetime

import pytest

from tgewatch.detect import lexicon
from tgewatch.detect.reading import BODY_TOKENS, TITLE_TOKENS, Reader
from tgewatch.detect.text import field
from tgewatch.detect.vocabulary import established

LISTED = """# a comment
Solana|SOL|2020-04
Veldra|VEL|2024-06
Litora|LIT|2021-02
"""


@pytest.fixture(scope="module")
def reader():
    return Reader(lexicon.shipped(), established(LISTED), lexicon.common_words())


def tags(reader, text, *, year=2025, month=6):
    published = datetime(year, month, 10, tzinfo=UTC).timestamp()
    return [m.tag for m in reader.read(field("title", text), published).marks]


def test_a_token_is_old_from_two_months_after_it_first_traded(reader):
    assert tags(reader, "Veldra falls", year=2024, month=8)[0] == "OLD"
    assert tags(reader, "Veldra falls", year=2024, month=7)[0] == "NAME"


def test_an_old_token_is_a_place_where_it_is_where_something_happens(reader):
    assert "OLD" not in tags(reader, "Quarvo launches its token on Solana")
    assert tags(reader, "Solana DEX Quarvo to introduce token")[0] == "CHAIN"


def test_an_old_token_is_itself_where_the_news_is_about_it(reader):
    assert tags(reader, "Solana price rises after upgrade")[0] == "OLD"
    assert tags(reader, "Binance lists Veldra on Monday")[2] == "OLD"


def test_holders_that_something_is_given_to_are_no_talk_of_their_token(reader):
    given = tags(reader, "Quarvo plans an airdrop to Veldra holders")

    assert given[-2:] == ["CHAIN", "users"]
    assert tags(reader, "Quarvo plans an airdrop for all $LIT stakers")[-2:] == ["CHAIN", "users"]


def test_holders_who_do_something_are_talk_of_their_token(reader):
    assert tags(reader, "Veldra holders sell before the vote")[0] == "OLD"
    assert tags(reader, "Why Veldra holders wait")[1] == "OLD"


def test_a_ticker_in_use_is_a_new_one_where_a_new_name_bears_it(reader):
    assert tags(reader, "Quarvo (LIT) opens for trading")[2] == "CAPS"
    assert "OLD" not in tags(
        reader, "Litmus Games Snapshot Date Today: What to Expect on $LIT Listing"
    )


def test_a_ticker_in_use_is_the_old_one_where_nobody_else_bears_it(reader):
    assert tags(reader, "Traders wait as $LIT trading opens")[3] == "OLD"
    assert tags(reader, "Litora (LIT) falls again this week")[0] == "OLD"


def test_an_ordinary_word_is_a_name_between_a_label_and_what_it_does(reader):
    assert "NAME" in tags(reader, "GameFi Blockchain Saga Unveils Crypto Airdrop")
    assert "NAME" not in tags(reader, "Crypto Market Gains Slow Down")


def test_the_shipped_list_has_a_month_for_each_token_and_no_class_of_the_lexicon():
    lines = [x for x in lexicon.data("established.txt").splitlines() if x and x[0] != "#"]
    rows = [x.split("|") for x in lines]
    words = lexicon.shipped().words
    taken = {"EXCHANGE", "STABLE", "TOKEN", "NETWORK", "NFT"}

    assert len(rows) > 1500
    assert all(2009 <= int(r[2][:4]) <= 2026 and 1 <= int(r[2][5:]) <= 12 for r in rows)
    assert len({(r[0].lower(), r[1]) for r in rows}) == len(rows)
    swaps = {"uniswap", "sushiswap", "pancakeswap", "raydium"}
    assert {r[0].lower() for r in rows if words.get(r[0].lower()) in taken} <= swaps


def test_a_field_is_read_up_to_its_bound_and_no_word_further(reader):
    title = reader.read(field("title", "token, " * 100), None)
    body = reader.read(field("summary", "token, " * 100), None)

    assert len(title.marks) == TITLE_TOKENS
    assert len(body.marks) == BODY_TOKENS
    assert title.marks[-1].end == 7 * TITLE_TOKENS // 2 - 1


def test_marks_stand_where_their_words_do(reader):
    text = "Quarvo's  $5 million token (QRV) lists on Solana in March 2026, up 12% - distribu…"
    marks = reader.read(field("title", text), None).marks

    assert all(text[m.start : m.end] == m.text and m.low == m.text.lower() for m in marks)
    assert [m.start for m in marks] == sorted({m.start for m in marks})
    assert "$5 million" in [m.text for m in marks]


def test_the_first_word_has_its_capital_from_beginning_the_text(reader):
    text = "Money moves quickly while Money stays with people again"

    first, *_, second = (
        m.tag for m in reader.read(field("title", text), None).marks if m.low == "money"
    )
    assert (first, second) == ("money", "NAME")


def test_a_read_text_says_nothing_about_the_next(reader):
    loud = tags(reader, "PUMP TOKEN LAUNCHES TODAY")
    quiet = tags(reader, "PUMP token launches today for everyone")

    assert tags(reader, "PUMP TOKEN LAUNCHES TODAY") == loud
    assert quiet[0] == "CAPS"
    assert loud[0] != "CAPS"
