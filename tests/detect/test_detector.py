from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tgewatch.detect.detector import Detector
from tgewatch.model import Company, Item, Kind, Precision, Source
from tgewatch.settings.detecting import CompanyRules, DetectionSettings, Terms

NOW = datetime(2025, 3, 5, 12, tzinfo=UTC).timestamp()
ESPRESSO = Company(
    name="Espresso",
    tickers=("ESP",),
    exclusions=("espresso machine", "coffee"),
    context=("rollup", "sequencer"),
    domains=("espresso.example",),
)
GROVE = Company(name="Grove", exclusions=("orange grove",))
LUMORA = Company(name="Lumora", tickers=("LMR",), x_handle="lumora_xyz")


def item(
    title,
    summary="",
    *,
    kind="entry",
    source="https://news.example/feed",
    url="https://news.example/a",
):
    return Item(
        source=source, key="k", url=url, title=title, summary=summary, published=NOW, kind=kind
    )


@pytest.fixture(scope="module")
def anyone():
    return Detector((), DetectionSettings(mode="discover"))


@pytest.fixture(scope="module")
def watching():
    return Detector((ESPRESSO, GROVE, LUMORA), DetectionSettings())


@pytest.mark.parametrize(
    ("title", "kind", "project", "ticker"),
    [
        (
            "Quarvo Foundation reveals QRV tokenomics ahead of token generation event",
            Kind.ANNOUNCED,
            "Quarvo Foundation",
            "QRV",
        ),
        ("Quarvo to launch QRV token on March 18, team confirms", Kind.DATE_SET, "Quarvo", "QRV"),
        ("Quarvo's QRV token debuts at $2 billion valuation", Kind.LIVE, "Quarvo", "QRV"),
        ("Quarvo opens airdrop claims for 120,000 wallets", Kind.AIRDROP_CLAIM, "Quarvo", ""),
        ("Quarvo raises $18 million in public token sale", Kind.TOKEN_SALE, "Quarvo", ""),
        ("Binance adds Quarvo (QRV) to Launchpool", Kind.LISTING, "Quarvo", "QRV"),
        ("Quarvo postpones TGE to May", Kind.POSTPONED, "Quarvo", ""),
        ("Quarvo cancels token sale", Kind.CANCELLED, "Quarvo", ""),
        (
            "Telegram game 'Quarvo' sets token launch and airdrop for April",
            Kind.DATE_SET,
            "Quarvo",
            "",
        ),
    ],
)
def test_an_event_of_an_unlisted_project_is_found_and_named(anyone, title, kind, project, ticker):
    verdict = anyone.judge(item(title))

    assert verdict.relevant
    assert (verdict.kind, verdict.project, verdict.ticker) == (kind, project, ticker)


@pytest.mark.parametrize(
    "title",
    [
        "Cardano price prediction: can ADA reach new highs?",
        "Coinbase lists Chainlink perpetual futures",
        "Spot Solana ETF begins trading on Nasdaq",
        "Quarvo to unlock $40M of tokens next week",
        "Quarvo burns 3% of token supply",
        "Quarvo launches euro stablecoin on Ethereum",
        "Quarvo NFT collection sells out in minutes",
        "Quarvo launches testnet for developers",
        "Top 5 airdrops to watch this month",
        "What is Quarvo? A beginner's guide",
        "Will Quarvo launch a token? Polymarket odds climb",
        "Quarvo has no plans for a token, founder says",
        "Bankrupt lender opens claims portal for creditors",
        "Scammers push fake Quarvo airdrop on X",
        "New memecoin presale raises $6M as analysts predict 100x gains",
    ],
)
def test_what_is_no_birth_of_a_token_is_told_apart(anyone, title):
    verdict = anyone.judge(item(title))

    assert not verdict.relevant
    assert verdict.kind is None
    assert len(verdict.why) > 1


@pytest.mark.parametrize(
    "text",
    [
        "gm",
        "wen airdrop ser",
        "Like, RT and tag 3 friends to win $50 #giveaway",
        "Airdrop is LIVE! Join now, don't miss the next 100x 🚀",
    ],
)
def test_bait_and_small_talk_in_posts_is_no_event(anyone, text):
    assert not anyone.judge(item(text, kind="post")).relevant


@given(title=st.text(max_size=200), summary=st.text(max_size=400), post=st.booleans())
@settings(max_examples=150)
def test_contributions_add_up_exactly_and_point_into_the_text(title, summary, post):
    detector = _shared()
    entry = item(title, summary, kind="post" if post else "entry")
    verdict = detector.judge(entry)

    assert sum(c.value for c in verdict.why) == verdict.score
    assert 0 <= verdict.confidence <= 1
    assert verdict.why[0].name == "bias"
    for contribution in verdict.why:
        if contribution.span:
            text = title if contribution.span.field == "title" else summary
            assert 0 <= contribution.span.start < contribution.span.end <= len(text)


_MADE: list[Detector] = []


def _shared():
    if not _MADE:
        _MADE.append(Detector((LUMORA,), DetectionSettings(mode="discover")))
    return _MADE[0]


def test_a_name_that_ends_like_a_term_leaves_the_longer_term_whole(anyone):
    said = "token generation event will take place on 24 September 2026"
    named = anyone.judge(item(f"Harkophi AI {said}"))

    assert named.relevant
    assert named.project == "Harkophi AI"
    assert not anyone.judge(item("Harkophi AI token price will rise in 2026")).relevant


def test_a_judgement_without_date_of_publication_still_stands(anyone):
    verdict = anyone.judge(
        Item(source="", key="k", url="", title="Quarvo to launch token on March 18")
    )

    assert verdict.relevant
    assert verdict.date is None


def test_the_date_of_the_event_is_read_with_its_precision(anyone):
    verdict = anyone.judge(item("Quarvo to launch QRV token on March 18"))

    assert verdict.date.precision is Precision.DAY
    assert datetime.fromtimestamp(verdict.date.start, UTC).date().isoformat() == "2025-03-18"


@pytest.mark.parametrize(
    ("title", "words"),
    [
        ("Quarvo moves token launch from 12 May to June", "June"),
        ("We moved the QRV TGE from March 12 to April 8", "April 8"),
        ("Quarvo postpones TGE from March 12 to April 8", "April 8"),
        ("Quarvo changes its TGE from Q2 2025 to Q3 2025", "Q3 2025"),
        ("Quarvo token launch, originally set for March 12, now set for April 8", "April 8"),
        ("Quarvo will now launch its token on April 8 instead of March 12", "April 8"),
        ("Quarvo airdrop claim closes April 8, opens March 12", "March 12"),
    ],
)
def test_a_date_that_moves_is_the_one_it_moves_to_whatever_the_kind(anyone, title, words):
    verdict = anyone.judge(item(title))

    assert verdict.relevant
    assert verdict.date.text == words


@pytest.mark.parametrize(
    ("title", "kind"),
    [
        ("Quarvo says TGE will not be delayed and stays on April 8", Kind.DATE_SET),
        ("Quarvo TGE goes ahead without further delay", Kind.ANNOUNCED),
        ("Quarvo won't postpone its TGE", Kind.ANNOUNCED),
        ("Quarvo can't launch, delays TGE to April", Kind.POSTPONED),
        ("No new date after Quarvo TGE delay", Kind.POSTPONED),
        ("Quarvo TGE not delayed, but token sale cancelled", Kind.CANCELLED),
    ],
)
def test_a_delay_that_is_denied_is_none(anyone, title, kind):
    assert anyone.judge(item(title)).kind is kind


@pytest.mark.parametrize(
    ("title", "project"),
    [
        ("Connect your wallet to claim QRV now: https://quarvo-claim.example/", "QRV"),
        ("www.quarvo.example $QRV TGE is live", "QRV"),
        ("Quarvo 宣布将于12月15日进行 TGE", "Quarvo"),
        ("币安将上线 Quarvo (QRV)", "Quarvo"),
        ("Quarvo Finance TGE is live: www.quarvo.example", "Quarvo Finance"),
    ],
)
def test_no_address_and_no_sentence_of_another_script_is_a_name(anyone, title, project):
    assert anyone.judge(item(title)).project == project


@pytest.mark.parametrize(
    ("end", "basis"), [("tomor…", ""), ("on Wedn...", ""), ("now…", "pubdate")]
)
def test_a_text_that_breaks_off_within_a_date_does_not_happen_today(anyone, end, basis):
    verdict = anyone.judge(item(f"Quarvo airdrop claim opens {end}"))

    assert verdict.kind is Kind.AIRDROP_CLAIM
    assert (verdict.date.basis if verdict.date else "") == basis


@pytest.mark.parametrize(
    ("title", "project"),
    [
        ("UNI TGE scheduled for 22 October, Quarvo says", "Quarvo"),
        ("Quarvo says UNI TGE is scheduled for 22 October", "Quarvo"),
        ("QRV TGE scheduled for 22 October, Quarvo says", "Quarvo"),
        ("UNI TGE scheduled for 22 October", "UNI"),
    ],
)
def test_a_ticker_that_an_old_token_bears_too_is_no_name_beside_a_new_one(anyone, title, project):
    assert anyone.judge(item(title)).project == project


def test_a_name_that_begins_a_text_without_capitals_is_one(anyone):
    assert anyone.judge(item("lumora tge december 12")).project == "lumora"
    assert anyone.judge(item("airdrop december 12")).project == ""
    assert anyone.judge(item("great token launch next week")).project == ""
    assert anyone.judge(item("Another great token launch next week")).project != "great"


def test_a_postponed_event_has_its_new_date(anyone):
    verdict = anyone.judge(item("Quarvo postpones token launch from 12 May to June"))

    assert verdict.date.text == "June"


def test_an_event_that_happens_now_has_the_day_of_publication(anyone):
    verdict = anyone.judge(item("Quarvo launches QRV token"))

    assert (verdict.date.basis, verdict.date.precision) == ("pubdate", Precision.DAY)


def test_watching_tells_listed_companies_only(watching):
    assert watching.judge(item("Lumora confirms LMR token airdrop")).company == "Lumora"
    other = watching.judge(item("Quarvo confirms QRV token airdrop"))
    assert other.confidence > 0.5
    assert not other.relevant


@pytest.mark.parametrize(
    ("title", "company"),
    [
        ("Espresso rollup network announces token airdrop", "Espresso"),
        ("Espresso announces new token for loyal drinkers", ""),
        ("Espresso machine token launch by rollup fans", ""),
        ("Grove announces token launch", "Grove"),
        ("Walking through the orange Grove: token launch party", ""),
        ("Token launch in an Orange Grove", ""),
        ("$ESP token launch confirmed", "Espresso"),
        ("@lumora_xyz token launch confirmed", "Lumora"),
        ("The ESP of a psychic and a coin", ""),
    ],
)
def test_a_name_in_another_sense_is_no_company(watching, title, company):
    matches = watching.scan(item(title))
    assert watching.judge(item(title), matches=matches).company == company


def test_a_company_that_is_only_the_place_is_not_the_subject():
    discovering = Detector((LUMORA,), DetectionSettings(mode="discover"))

    assert discovering.judge(item("Quarvo announces token launch on Lumora")).project == "Quarvo"
    assert discovering.judge(item("Lumora announces token launch on Quarvo")).project == "Lumora"


def test_a_projects_own_voice_weighs_more(watching):
    source = Source(url="https://blog.example/feed", name="Blog", company="Lumora")
    entry = item("Our token launch is coming", source=source.url)

    own = watching.judge(entry, source=source)

    assert own.company == "Lumora"
    assert own.score > watching.judge(entry).score


def test_rules_of_the_user_change_the_verdict():
    title = "Lumora to unlock $40M of tokens next week"
    plain = Detector((LUMORA,), DetectionSettings()).judge(item(title))
    terms = (Terms(tier="mine", weight=12.0, phrases=("unlock",)),)
    heavy = Detector((LUMORA,), DetectionSettings(terms=terms)).judge(item(title))
    muted = Detector(
        (LUMORA,),
        DetectionSettings(
            terms=terms, company=(CompanyRules(name="Lumora", mute=(heavy.kind.value,)),)
        ),
    )
    strict = Detector(
        (LUMORA,),
        DetectionSettings(terms=terms, company=(CompanyRules(name="Lumora", threshold=0.999999),)),
    )

    assert not plain.relevant
    assert heavy.relevant
    assert heavy.score == pytest.approx(plain.score + 12.0)
    assert not muted.judge(item(title)).relevant
    assert not strict.judge(item(title)).relevant


def test_strangers_rumours_are_marked(anyone):
    told = Detector((), DetectionSettings(mode="discover", threshold=0.01))

    assert told.judge(item("Quarvo could launch token soon, insiders suggest")).rumour
    assert not anyone.judge(item("Quarvo confirms token launch")).rumour


def test_an_article_is_wanted_only_where_it_may_change_something(anyone):
    for title, wanted in (
        ("Bitcoin token prices fall", False),
        ("Quarvo confirms QRV token airdrop", True),
        ("Quarvo to launch QRV token on March 18", False),
    ):
        entry = item(title)
        matches = anyone.scan(entry)
        assert anyone.wants_article(entry, matches, anyone.judge(entry, matches=matches)) is wanted
    post = item("$QRV launches soon", kind="post")
    assert not anyone.wants_article(post, anyone.scan(post), anyone.judge(post))


def test_an_article_adds_what_the_headline_lacks(anyone):
    entry = item("Quarvo confirms QRV token airdrop")
    article = "Quarvo said the QRV token will launch on April 9, 2025 with claims for early users."

    assert anyone.judge(entry).date is None
    assert anyone.judge(entry, article=article).date.text == "April 9, 2025"


def test_the_same_item_gets_the_same_verdict_with_or_without_its_matches(anyone):
    entry = item("Quarvo confirms QRV token airdrop")

    assert anyone.judge(entry) == anyone.judge(entry, matches=anyone.scan(entry))


def test_huge_and_hostile_texts_are_judged_in_bounded_time(anyone):
    for text in (
        "token " * 50_000,
        "(" * 50_000,
        "$A " * 20_000,
        "\u0430" * 100_000,
        "1 May " * 20_000,
    ):
        assert anyone.judge(item(text, text), article=text).confidence >= 0


@pytest.mark.parametrize("kind", ["entry", "post"])
def test_who_passes_an_announcement_on_in_a_post_is_heard_as_a_headline_is(anyone, kind):
    verdict = anyone.judge(item("Merida announces its TGE for 12 May", kind=kind))

    assert verdict.relevant
    assert (verdict.kind, verdict.project) == (Kind.DATE_SET, "Merida")


@pytest.mark.parametrize(
    "text",
    [
        "Is Merida going to announce its TGE?",
        "@merida_xyz wen TGE",
        "Merida announces its mainnet for 12 May",
    ],
)
def test_talk_about_an_event_in_a_post_is_no_report(anyone, text):
    assert not anyone.judge(item(text, kind="post")).relevant


@pytest.mark.parametrize(
    "title",
    [
        "Supply details for the Fennel token are out",
        "Your Fennel Airdrop Claim Is Open",
        "Reminder: TGE of Fennel is on Friday",
    ],
)
def test_a_word_that_only_begins_the_sentence_is_no_project(anyone, title):
    assert anyone.judge(item(title)).project == "Fennel"
