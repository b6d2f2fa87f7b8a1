from tgewatch.world.lives import EVENTFUL
from tgewatch.world.plan import DAY, make_plan

START = 1_790_035_200.0


def test_the_same_seed_gives_the_same_world():
    assert make_plan(seed=3, start=START) == make_plan(seed=3, start=START)


def test_another_seed_gives_another_world():
    assert make_plan(seed=3, start=START).projects != make_plan(seed=4, start=START).projects


def test_a_feed_shows_only_what_was_published_newest_first():
    plan = make_plan(start=START, outlets=20)
    now = START + 3 * DAY

    for outlet in plan.outlets:
        shown = plan.visible(outlet.number, now)
        assert all(entry.at <= 3 * DAY for entry in shown)
        assert list(shown) == sorted(shown, key=lambda entry: -entry.number)


def test_a_feed_begins_with_history():
    plan = make_plan(start=START)

    assert all(plan.visible(outlet.number, START) for outlet in plan.outlets)


def test_truth_follows_the_beats_of_a_life():
    plan = make_plan(start=START)

    begun, later, ended = (plan.truth(START + days * DAY)[0] for days in (0, 3, 7))

    assert begun.state == "unknown"
    assert (later.state, later.date) == ("dated", START + 5 * DAY)
    assert ended.state == "live"
    assert ended.changes == ("announced", "dated", "slipped", "live", "claim", "listed")


def test_every_beat_is_told_by_more_than_one_outlet():
    plan = make_plan(start=START, outlets=30)
    told: dict[tuple[int, int], set[int]] = {}
    for page in plan.entries:
        for entry in page:
            if entry.project >= 0:
                told.setdefault((entry.project, entry.beat), set()).add(entry.outlet)

    assert len(told) == sum(len(project.beats) for project in plan.projects)
    assert all(len(outlets) > 1 for outlets in told.values())


def test_shares_of_faults_hold():
    plan = make_plan(start=START, outlets=1_005)

    faults = [outlet.fault for outlet in plan.outlets if outlet.project == -1]

    assert faults.count("flap") == 50
    assert faults.count("hang") == 20


def test_without_faults_every_server_behaves():
    plan = make_plan(start=START, outlets=100, faults=False)

    assert {outlet.fault for outlet in plan.outlets} == {"none"}


def test_eventful_lives_slip_are_put_off_and_come_early():
    plan = make_plan(start=START, projects=12, outlets=40, lives=EVENTFUL)

    def truths(project):
        at = [START + beat.at + 1 for beat in plan.projects[project].beats]
        return [
            (t.state, t.date and (t.date - START) / DAY)
            for t in (plan.truth(a)[project] for a in at)
        ]

    assert truths(5) == [
        ("announced", None),
        ("dated", 20),
        ("dated", 30),
        ("dated", 41),
        ("dated", 60),
    ]
    assert truths(6) == [("dated", 12), ("postponed", None), ("dated", 33)]
    assert [state for state, _ in truths(8)] == ["announced", "announced", "dated", "live", "live"]
    assert truths(9)[-1] == ("live", 2)


def test_twins_share_a_ticker_or_a_first_word():
    plan = make_plan(start=START, projects=20, outlets=40, twins=True)
    projects = plan.projects

    assert projects[7].ticker == projects[6].ticker
    assert projects[4].name.split()[0] == projects[3].name.split()[0]
    assert len({project.name for project in projects}) == 20
    assert len({project.host for project in projects}) == 20


def test_as_many_outlets_write_about_a_change_as_are_told_to():
    plan = make_plan(start=START, projects=2, outlets=40, writers=(8, 9))

    for beat in plan.projects[0].beats:
        written = [
            e for page in plan.entries for e in page if (e.project, e.beat) == (0, beat.number)
        ]
        assert 8 <= len(written) <= 10
