def test_a_small_demo_plays_and_leaves_something_to_ask(shell):
    ended = shell.run("demo", "--days", "1", "--outlets", "8", "--projects", "2", "--json")

    assert ended.code in {0, 1}, ended.err
    found = ended.json
    assert found["rounds"] == 8
    assert found["violations"] == 0
    assert found["unchanged"] > 0
    assert [row["project"] for row in found["projects"]]
    assert found["events"]
    asked = shell.run("events", "--json", "--settings", "state/demo/tgewatch.toml")
    assert {event["id"] for event in asked.json} == {event["id"] for event in found["events"]}
