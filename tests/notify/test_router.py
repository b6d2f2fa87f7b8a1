from dataclasses import replace

import pytest

from tgewatch.detect.merge import merge
from tgewatch.model import Kind, Source, SourceState, State, Transition
from tgewatch.notify import Router
from tgewatch.settings import ChannelSettings
from tgewatch.testing.claims import at, claim, day

NOW = at("2026-03-01T12:00")
CLAIM = claim("Curvance TGE on 12 May", Kind.DATE_SET, "2026-03-01", date=day("2026-05-12"),
              ticker="CURV", company="Curvance")  # fmt: skip
MERGED = merge(CLAIM, [], NOW)
EVENT, (DATED,) = MERGED.event, MERGED.transitions


def routed(transition=DATED, event=EVENT, now=NOW, **wishes):
    router = Router([ChannelSettings(name="mail", **wishes)])
    return router.route(event, transition, CLAIM, now)


def test_every_channel_gets_its_own_message():
    router = Router([ChannelSettings(name="mail"), ChannelSettings(name="chat")])

    out = router.route(EVENT, DATED, CLAIM, NOW)

    assert [one.channel for one in out] == ["mail", "chat"]
    assert len({one.key for one in out}) == 2


def test_the_key_is_the_same_whenever_the_same_transition_is_routed():
    (one,), (again,) = routed(), routed(now=NOW + 9_999)
    (next_one,) = routed(replace(DATED, number=2))

    assert one.key == again.key
    assert one.key != next_one.key
    assert len(one.key) == 64


def test_what_is_not_worth_telling_goes_nowhere():
    assert routed(replace(DATED, tell=False)) == ()
    assert routed(event=replace(EVENT, dismissed=True)) == ()


@pytest.mark.parametrize(
    ("wishes", "told"),
    [
        ({"companies": ("curvance labs",)}, True),
        ({"companies": ("Camelot",)}, False),
        ({"changes": ("dated",)}, True),
        ({"changes": ("live", "postponed")}, False),
        ({"min_score": 0.8}, True),
        ({"min_score": 0.81}, False),
    ],
)
def test_a_channel_gets_what_it_wants_and_nothing_else(wishes, told):
    assert bool(routed(**wishes)) is told


def test_a_wish_for_a_state_is_met_by_whatever_leads_there():
    opened = Transition(
        event=EVENT.id, number=2, change="claim_open", state=State.LIVE, at=NOW, claim=CLAIM.id,
        before=State.DATED,
    )  # fmt: skip

    assert routed(opened, changes=("live",))
    assert not routed(replace(opened, before=State.LIVE), changes=("live",))


def test_quiet_hours_hold_delivery_and_never_the_message():
    (held,) = routed(quiet="10:00-14:00")
    (free,) = routed(quiet="14:00-16:00")

    assert held.not_before == at("2026-03-01T14:00")
    assert free.not_before == 0.0


def test_times_are_told_in_the_channels_zone():
    (out,) = routed(zone="Asia/Tokyo")

    assert out.notice.headline.endswith("date set: 12 May 2026")


OUTLET = Source(url="https://outlet.example/feed", name="Outlet")


def health(before, after, source=OUTLET, error="", **wishes):
    router = Router([ChannelSettings(name="mail", **wishes)])
    was = SourceState(url=source.url, health=before)
    now = SourceState(url=source.url, health=after, polled_at=NOW, error=error, because="no news")
    return router.source_notices(source, was, now, NOW)


@pytest.mark.parametrize(
    ("before", "after", "change"),
    [
        ("ok", "broken", "broken"),
        ("new", "broken", "broken"),
        ("ok", "silent", "silent"),
        ("ok", "gone", "gone"),
        ("ok", "slow", "slow"),
        ("broken", "silent", "silent"),
        ("broken", "ok", "recovered"),
        ("silent", "ok", "recovered"),
    ],
)
def test_a_source_that_changes_its_health_is_told(before, after, change):
    (out,) = health(before, after)

    assert out.notice.change == change
    assert out.notice.subject == "source"
    assert "Outlet" in out.notice.headline


@pytest.mark.parametrize(("before", "after"), [("ok", "ok"), ("new", "ok"), ("broken", "broken")])
def test_a_source_that_stays_as_it_is_is_not_told(before, after):
    assert health(before, after) == ()


def test_a_channel_may_not_care_how_sources_do():
    assert health("ok", "broken", sources=False) == ()


def test_a_channel_for_one_company_hears_of_its_sources_and_of_outlets():
    own = replace(OUTLET, company="Camelot")

    assert health("ok", "broken", own, companies=("Curvance",)) == ()
    assert health("ok", "broken", own, companies=("Camelot",))
    assert health("ok", "broken", OUTLET, companies=("Curvance",))


def test_an_error_is_told_in_clean_words():
    (out,) = health("ok", "broken", error="timeout\x1b[31m\n after 30 s")

    assert out.notice.headline == "Outlet is broken: timeout after 30 s"


def test_a_second_breakdown_is_a_second_message():
    router = Router([ChannelSettings(name="mail")])
    was = SourceState(url=OUTLET.url, health="ok")
    keys = {
        out.key
        for polled in (NOW, NOW + 60)
        for out in router.source_notices(
            OUTLET, was, SourceState(url=OUTLET.url, health="broken", polled_at=polled), polled
        )
    }

    assert len(keys) == 2


def test_it_says_where_it_leads():
    assert repr(Router([ChannelSettings(name="mail")])) == "<Router mail>"
