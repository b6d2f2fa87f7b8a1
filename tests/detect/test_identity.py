import pytest
from hypothesis import given
from hypothesis import strategies as st

from tgewatch.detect.identity import (
    Likeness,
    keys,
    likeness,
    name_of,
    naming,
    sought,
    symbol_of,
    ticker_of,
)


def named(name="", ticker="", company=""):
    return naming([name], company, [ticker], [symbol_of(name, "A title with small letters")])


def alike(one, other):
    return likeness(one, other)[0]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Curvance", "CURVANCE"),
        ("Curvance", "Curvance Finance"),
        ("Curvance Protocol", "curvance"),
        ("Succinct Labs", "Succinct Foundation"),
        ("Duck Chain", "DuckChain"),
        ("Pump.fun", "Pump fun"),
        ("io.net", "IONET"),
        ("Simon\u2019s Cat", "Simons Cat"),
        ("Curvance\u2019s", "Curvance"),
        ("The Sandbox", "Sandbox"),
        ("ether.fi", "Ether.Fi"),
        ("Zäta", "Zata Network"),
        ("Hamster Kombat", "Hamster Kombat token"),
    ],
)
def test_spelling_and_words_for_what_it_is_do_not_make_another_project(one, other):
    assert alike(named(one), named(other)) is Likeness.NAME
    assert alike(named(other), named(one)) is Likeness.NAME


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Curvance", "Camelot"),
        ("Fabric", "Microsoft Fabric"),
        ("Sonic SVM", "Sonic Labs"),
        ("Zorblat Finance", "Zorblat Chain"),
        ("World Liberty Financial", "World Mobile"),
        ("Bitcoin Dogs", "Dogs"),
        ("Ink", "Inkwell"),
        ("Space and Time", "Spacecoin"),
    ],
)
def test_names_that_only_look_alike_stay_apart(one, other):
    assert alike(named(one), named(other)) <= Likeness.CLASH
    assert alike(named(other), named(one)) <= Likeness.CLASH


def test_the_same_ticker_does_not_merge_two_names():
    how, why = likeness(named("Other Thing", "CURV"), named("Curvance", "CURV"))

    assert how is Likeness.CLASH
    assert "ticker" in why


@pytest.mark.parametrize(
    ("name", "ticker", "other"),
    [
        ("PUMP", "PUMP", "Pump.fun"),
        ("Pump", "PUMP", "Pump.fun"),
        ("MAGIC", "MAGIC", "TreasureDAO"),
        ("Trump", "TRUMP", "Melania Trump"),
        ("World Liberty", "WLFI", "World Liberty Financial"),
        ("", "CURV", "Curvance"),
        ("Tapswapp", "TAPS", "Tapswap"),
    ],
)
def test_a_ticker_confirms_a_part_of_a_name_a_misspelling_or_itself(name, ticker, other):
    assert alike(named(name, ticker), named(other, ticker)) is Likeness.PARTLY


@pytest.mark.parametrize(
    ("name", "ticker", "other"),
    [("Quor", "QUOR", "Pulse"), ("NOVA", "NOVA", "Pulse"), ("Nova", "NOVA", "Terran")],
)
def test_a_project_whose_name_is_its_ticker_keeps_apart_from_others_of_that_ticker(
    name, ticker, other
):
    assert alike(named(name, ticker), named(other, ticker)) is Likeness.CLASH
    assert alike(named(other, ticker), named(name, ticker)) is Likeness.CLASH


def test_a_name_spelt_as_a_ticker_is_that_ticker_where_no_other_is_named():
    assert alike(named("MAGIC"), named("TreasureDAO", "MAGIC")) is Likeness.PARTLY
    assert alike(named("TreasureDAO", "MAGIC"), named("MAGIC")) is Likeness.PARTLY
    assert alike(named("MAGIC", "FOO"), named("TreasureDAO", "MAGIC")) <= Likeness.CLASH
    assert alike(named("Magic"), named("TreasureDAO", "MAGIC")) is Likeness.STRANGER
    assert alike(named("MAGIC"), named("TreasureDAO")) is Likeness.STRANGER


@pytest.mark.parametrize(
    ("name", "title", "symbol"),
    [
        ("MAGIC", "MAGIC to launch", "MAGIC"),
        ("MAGIC", "MAGIC TO LAUNCH", ""),
        ("Magic", "Magic to launch", ""),
        ("NOVA", "NOVA to launch", ""),
        ("USDT", "USDT to launch", ""),
        ("X", "X to launch", ""),
        ("A MAGIC", "A MAGIC thing", ""),
    ],
)
def test_a_name_is_spelt_as_a_ticker_in_capitals_that_not_all_words_have(name, title, symbol):
    assert symbol_of(name, title) == symbol


def test_without_the_ticker_a_part_of_a_name_merges_nothing():
    assert alike(named("Trump"), named("Melania Trump", "TRUMP")) is Likeness.STRANGER


def test_two_tokens_of_one_project_are_two():
    assert alike(named("Shiba Inu", "TREAT"), named("Shiba Inu", "SHIB")) is Likeness.CLASH
    assert alike(named("a", "OCEAN", "OpenSea"), named("b", "SEA", "OpenSea")) is Likeness.CLASH


def test_what_a_token_is_priced_in_is_not_its_ticker():
    assert ticker_of("$usdt") == ""
    assert ticker_of("$curv") == "CURV"
    assert alike(named("Curvance", "USDT"), named("Curvance", "CURV")) is Likeness.NAME


def test_an_exchanges_multiple_of_a_ticker_is_the_ticker():
    assert ticker_of("1000CAT") == "CAT"
    assert ticker_of("1INCH") == "1INCH"


def test_the_watchlists_company_decides_over_the_name():
    assert alike(named("Espresso", company="Espresso"), named("ESP", company="Espresso")) == (
        Likeness.COMPANY
    )
    assert alike(named("Spark", company="Spark"), named("Spark", company="Sparkle")) == (
        Likeness.STRANGER
    )


def test_an_ordinary_word_needs_a_ticker_to_take_another_word_for_what_it_is():
    assert alike(named("Fabric"), named("Fabric Protocol")) is Likeness.CLASH
    assert alike(named("Fabric", "FAB"), named("Fabric Protocol", "FAB")) is Likeness.NAME
    assert alike(named("Fabric"), named("Fabric")) is Likeness.NAME


def test_a_name_of_nothing_but_words_that_any_project_bears_never_merges_alone():
    assert alike(named("Foundation"), named("Foundation")) is Likeness.CLASH
    assert alike(named("Token"), named("Token")) is Likeness.CLASH
    assert alike(named("Foundation", "FND"), named("Foundation", "FND")) is Likeness.NAME


def test_names_in_other_scripts_are_names():
    assert alike(named("金龙"), named("金龙")) is Likeness.NAME
    assert alike(named("Жар-птица"), named("жар птица")) is Likeness.NAME


NAMES = st.one_of(
    st.text(max_size=30),
    st.lists(
        st.sampled_from(
            ["nova", "zor", "ZOR", "labs", "finance", "chain", "token", "the", "x", "!"]
        ),
        max_size=4,
    ).map(" ".join),
)
NAMINGS = st.builds(
    named, NAMES, st.sampled_from(["", "NOVA", "ZOR", "USDT"]), st.sampled_from(["", "Nova", "Zor"])
)


@given(NAMINGS, NAMINGS)
def test_whatever_merges_shares_a_key_so_that_candidates_can_be_looked_up(one, other):
    if alike(one, other) > Likeness.CLASH:
        initials_or_part = one.tickers & other.tickers
        assert sought(one) & keys(other) or initials_or_part
        assert keys(one) & sought(other) or initials_or_part


@given(NAMINGS, NAMINGS)
def test_likeness_is_mutual(one, other):
    assert (alike(one, other) > Likeness.CLASH) == (alike(other, one) > Likeness.CLASH)


@given(st.text())
def test_any_text_is_a_name_or_none(text):
    name = name_of(text)

    assert name.compact == name.full.replace(" ", "")
    assert bool(name.core) == bool(name.full)
