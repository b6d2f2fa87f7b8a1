from dataclasses import replace
from html.parser import HTMLParser
from io import StringIO

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from tgewatch.detect.merge import merge
from tgewatch.model import Contribution, Event, Flag, Kind, Link, Notice, State, Transition
from tgewatch.notify.notice import notice_of
from tgewatch.notify.quiet import zone_of
from tgewatch.notify.render import brief, html, markdown, plain, terminal, title
from tgewatch.testing.claims import at, claim, day, instant, month, quarter, soon

NOTICE = Notice(
    subject="event",
    change="postponed",
    project="Curvance",
    headline="Curvance (CURV): postponed from 12 May 2026 to June 2026",
    at=at("2026-05-01"),
    event="curvance-1",
    number=3,
    ticker="CURV",
    kind="postponed",
    state="postponed",
    date=month("2026-06"),
    date_before=day("2026-05-12"),
    score=0.97,
    why=(Contribution("delay_words", 2.1, "delays TGE"), Contribution("outlet", -0.4)),
    flags=(Flag("shortened_link", "bit.example/x"),),
    links=(
        Link("https://outlet.example/a", "Curvance delays TGE", "outlet.example"),
        Link("https://bait.example/claim", "Claim now", "bait.example", suspicious=True),
    ),
    sources=3,
    conflict="June 2026 (2 sources) or July 2026 (1 source)",
)

HOSTILE = replace(
    NOTICE,
    project="<script>alert(1)</script>",
    headline="@everyone <!channel> [gift](http://evil.example) *b* <b>x</b>",
    links=(Link("javascript:alert(1)", "<img src=x onerror=y>", "@here"),),
    why=(Contribution("x", 1.0, "[red]rich mark-up[/red]"),),
    conflict="<i>no</i>",
)


def test_plain_text_says_what_when_how_sure_and_why():
    text = plain(NOTICE)

    assert text.splitlines() == [
        "Curvance (CURV): postponed from 12 May 2026 to June 2026",
        "Kind: postponed (now postponed)",
        "Date: June 2026 (before: 12 May 2026)",
        "Score: 0.97 from 3 independent sources",
        'Because: delay words "delays TGE" (+2.1); outlet (-0.4)',
        "Sources disagree: June 2026 (2 sources) or July 2026 (1 source)",
        "Warning: shortened link: bit.example/x",
        "- outlet.example: Curvance delays TGE https://outlet.example/a",
        "- bait.example: Claim now hxxps://bait[.]example/claim",
    ]


def test_a_title_names_the_change_and_the_project():
    assert title(NOTICE) == "[postponed] Curvance (CURV)"
    assert title(replace(NOTICE, change="claim_open", ticker="")) == "[claim open] Curvance"
    assert title(replace(NOTICE, project="CURV")) == "[postponed] CURV"


@pytest.mark.parametrize("render", [plain, markdown, html])
def test_a_suspicious_link_is_defanged_everywhere(render):
    text = render(NOTICE)

    assert "https://bait.example" not in text
    assert "https://outlet.example/a" in text
    assert "bait.example/claim" not in text


def test_nothing_in_plain_text_acts_on_its_reader():
    for text in (plain(HOSTILE), brief(HOSTILE), title(HOSTILE)):
        assert "@everyone" not in text
        assert "<" not in text
        assert "](" not in text
        assert "javascript:" not in text or "javascript:alert(1)" not in text.split("hxxp")[0]


class Tags(HTMLParser):
    def __init__(self):
        super().__init__()
        self.seen = set()
        self.hrefs = []

    def handle_starttag(self, tag, attrs):
        self.seen.add(tag)
        self.hrefs += [value for name, value in attrs if name == "href"]
        assert {name for name, _ in attrs} <= {"href", "rel"}


def test_html_holds_our_own_tags_only_and_links_to_the_web_only():
    tags = Tags()
    tags.feed(html(HOSTILE))
    tags.feed(html(NOTICE))

    assert tags.seen <= {"p", "strong", "ul", "li", "a"}
    assert tags.hrefs == ["https://outlet.example/a"]


def test_markdown_of_others_is_escaped():
    text = markdown(HOSTILE)

    assert "[gift](" not in text
    assert "*b*" not in text.replace(r"\*b\*", "")


def test_the_terminal_shows_mark_up_of_others_literally():
    out = StringIO()
    Console(file=out, width=200).print(terminal(HOSTILE))

    assert "[red]rich mark-up[/red]" in out.getvalue()


@pytest.mark.parametrize("limit", [60, 160, 300, 1_500])
def test_text_stays_within_what_the_service_takes(limit):
    long = replace(NOTICE, headline="word " * 200)

    for text in (plain(long, limit=limit), brief(long, limit=limit), markdown(long, limit=limit)):
        assert len(text) <= limit
    assert len(brief(NOTICE, limit=limit)) <= limit
    assert len(html(NOTICE, limit=limit)) <= max(limit, len("<p><strong></strong></p>") + 100)


def test_a_brief_text_has_the_link_when_there_is_room():
    assert brief(NOTICE).endswith(" https://outlet.example/a")
    assert brief(NOTICE, limit=60) == NOTICE.headline


def test_a_message_about_a_source_has_no_score():
    text = plain(Notice("source", "broken", "Outlet", "Outlet is broken: timeout", 0.0))

    assert text == "Outlet is broken: timeout"


EVENT = Event(
    id="curvance-1", project="Curvance", state=State.DATED, kind=Kind.DATE_SET, score=0.8,
    created=0.0, updated=0.0, ticker="CURV", sources=1,
)  # fmt: skip


@pytest.mark.parametrize(
    ("change", "date", "before", "detail", "words"),
    [
        ("announced", None, None, "", "token announced"),
        ("announced", month("2026-05"), None, "", "token announced in May 2026"),
        ("dated", day("2026-05-12"), None, "", "date set: 12 May 2026"),
        ("dated", quarter("2026-Q2"), None, "", "date set: Q2 2026"),
        ("dated", day("2026-06-12"), month("2026-06"), "",
         "date set: 12 June 2026, was June 2026"),
        ("redated", day("2026-05-20"), day("2026-05-12"), "",
         "moved from 12 May 2026 to 20 May 2026"),
        ("redated", month("2026-06"), None, "", "new date: June 2026"),
        ("redated", day("2026-06-30"), day("2026-06-12"), "claim close",
         "claim close: moved from 12 June 2026 to 30 June 2026"),
        ("postponed", None, day("2026-05-12"), "", "postponed from 12 May 2026"),
        ("postponed", month("2026-06"), day("2026-05-12"), "",
         "postponed from 12 May 2026 to June 2026"),
        ("postponed", None, None, "", "postponed"),
        ("cancelled", None, None, "", "cancelled"),
        ("postponed", day("2026-07-06"), None, "claim 2", "claim 2: postponed to 6 July 2026"),
        ("claim_open", None, None, "reopened", "airdrop claim (reopened) is open"),
        ("live", None, None, "", "token is live"),
        ("live", day("2026-05-12"), None, "Binance", "token is live on Binance"),
        ("claim_open", None, None, "", "airdrop claim is open"),
        ("claim_open", None, None, "2", "airdrop claim (round 2) is open"),
        ("claim_close", day("2026-06-12"), None, "", "airdrop claim closes on 12 June 2026"),
        ("sale", day("2026-05-02"), None, "", "token sale announced on 2 May 2026"),
        ("listing", day("2026-05-12"), None, "KuCoin", "listing on KuCoin on 12 May 2026"),
        ("rumoured", soon(), None, "", "a token is hinted at soon"),
        ("done", None, None, "", "done"),
    ],
)  # fmt: skip
def test_each_change_has_its_sentence(change, date, before, detail, words):
    told = Transition(
        event=EVENT.id, number=1, change=change, state=State.DATED, at=0.0, claim="c", date=date,
        date_before=before, detail=detail,
    )  # fmt: skip

    assert notice_of(EVENT, told, None, 0.0).headline == f"Curvance (CURV): {words}"


def test_a_time_is_told_in_the_zone_and_a_day_is_the_same_day_everywhere():
    told = Transition(
        event=EVENT.id, number=1, change="dated", state=State.DATED, at=0.0, claim="c",
        date=instant("2026-05-12T20:00"),
    )  # fmt: skip
    tokyo = zone_of("Asia/Tokyo")

    assert notice_of(EVENT, told, None, 0.0).headline.endswith("12 May 2026, 20:00 UTC")
    assert notice_of(EVENT, told, None, 0.0, zone=tokyo).headline.endswith("13 May 2026, 05:00 JST")
    whole = replace(told, date=day("2026-05-12"))
    assert notice_of(EVENT, whole, None, 0.0, zone=tokyo).headline.endswith("12 May 2026")


def test_a_notice_leads_with_the_cause_and_shows_each_other_voice_once():
    first = claim("First", outlet="a.example", flags=("shortened_link",))
    second = claim("Second", outlet="b.example")
    again = claim("Again", when="2026-01-05", outlet="b.example")
    own = claim("Own word", outlet="c.example", official=True)
    event = merge(first, [], 0.0).event
    event = replace(event, claims=(first, second, again, own))
    told = Transition(event=event.id, number=1, change="live", state=State.LIVE, at=0.0, claim="")

    notice = notice_of(event, told, first, 0.0)

    assert [link.title for link in notice.links] == ["First", "Own word", "Again"]
    assert [link.suspicious for link in notice.links] == [True, False, False]
    assert [flag.name for flag in notice.flags] == ["shortened_link"]


@given(st.text(), st.text(), st.text(), st.text())
def test_no_words_break_any_rendering(project, headline, words, url):
    notice = replace(
        NOTICE, project=project, headline=headline, links=(Link(url, words, words),), note=words,
        why=(Contribution(words, 1.0, words),), conflict=words,
    )  # fmt: skip

    for render in (plain, markdown, html, terminal):
        render(notice)
    tags = Tags()
    tags.feed(html(notice))
    assert tags.seen <= {"p", "strong", "ul", "li", "a"}
    assert len(plain(notice)) <= 1_500
