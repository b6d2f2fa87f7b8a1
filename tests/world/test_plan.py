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
