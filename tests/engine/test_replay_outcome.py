from hypothesis import given
from hypothesis import strategies as st

from tgewatch.engine.replay_outcome import Alert, Outcome, Pair, compared
from tgewatch.testing.claims import day, month


def alert(event="a", change="announced", *, at=0.0, date=None, url="https://x.example/1"):
    return Alert(event, event, "", change, "", date, at, url, url, "paper", 0.6, 0.7, "")


ALERTS = st.lists(
    st.builds(
        alert,
        st.sampled_from("ab"),
        st.sampled_from(["announced", "dated", "live"]),
        at=st.sampled_from([0.0, 5.0, 9.0]),
        date=st.sampled_from([None, day("2026-05-12"), month("2026-06")]),
        url=st.sampled_from(["https://x.example/1", "https://x.example/2"]),
    ),
    max_size=8,
)
GROUP = {(side, event): event for side in (0, 1) for event in "ab"}


@given(ALERTS, ALERTS)
def test_every_alert_is_paired_gained_or_lost_once(before, after):
    pairs, gained, lost = compared(before, after, GROUP)

    assert sorted([*[p.before for p in pairs], *lost], key=repr) == sorted(before, key=repr)
    assert sorted([*[p.after for p in pairs], *gained], key=repr) == sorted(after, key=repr)
    assert all(pair.before.event == pair.after.event for pair in pairs)


@given(ALERTS)
def test_the_same_alerts_are_all_paired_and_none_has_moved(alerts):
    pairs, gained, lost = compared(alerts, alerts, GROUP)

    assert gained == lost == []
    assert not any(pair.moved for pair in pairs)


def test_the_same_change_with_the_same_date_comes_before_another_date():
    may, june = (
        alert(change="dated", date=day("2026-05-12")),
        alert(change="dated", date=month("2026-06")),
    )

    pairs, _, _ = compared([may, june], [june, may], GROUP)

    assert not any(pair.moved for pair in pairs)


def test_one_item_that_says_something_else_is_a_change_and_not_a_loss():
    pairs, gained, lost = compared([alert(change="dated")], [alert(change="live")], GROUP)

    assert gained == lost == []
    assert pairs[0].moved


def test_lead_time_is_what_an_alert_comes_earlier_by():
    early, late = alert(at=10.0), alert(at=70.0)

    assert Pair(late, early).lead == 60.0
    found = Outcome(pairs=[Pair(late, early), Pair(early, early)])
    assert found.leads == [60.0]
    assert found.median_lead == 60.0
