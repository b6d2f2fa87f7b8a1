import pytest

PATH = "/2/tweets/search/stream/rules"


def rules(stage):
    return [one["value"] for one in stage.ask(PATH)[2].get("data", [])]


def test_rules_are_added_listed_and_deleted(stage):
    status, _, made = stage.ask(
        PATH, method="POST", body={"add": [{"value": "cat", "tag": "pets"}, {"value": "dog"}]}
    )
    assert status == 201
    assert made["meta"]["summary"] == {
        "created": 2, "not_created": 0, "valid": 2, "invalid": 0,
    }  # fmt: skip
    assert made["data"][0]["tag"] == "pets"
    assert rules(stage) == ["cat", "dog"]
    body = {"delete": {"ids": [made["data"][0]["id"], "5"], "values": ["dog"]}}
    status, _, gone = stage.ask(PATH, method="POST", body=body)
    assert (status, gone["meta"]["summary"]) == (200, {"deleted": 2, "not_deleted": 1})
    assert rules(stage) == []


def test_a_dry_run_says_what_would_happen_and_does_nothing(stage):
    made = stage.add_rules("cat", "min_faves:1 dog", dry_run="true")
    assert made["meta"]["summary"]["created"] == 1
    assert made["errors"][0]["type"].endswith("/invalid-rules")
    assert rules(stage) == []
    stage.add_rules("cat")
    body = {"delete": {"values": ["cat"]}}
    stage.ask(PATH, {"dry_run": "true"}, method="POST", body=body)
    assert rules(stage) == ["cat"]


def test_a_rule_that_exists_is_a_duplicate_and_the_others_are_made(stage):
    made = stage.add_rules("cat")
    again = stage.add_rules("cat", "dog")
    (error,) = again["errors"]
    assert (error["title"], error["id"]) == ("DuplicateRule", made["data"][0]["id"])
    assert rules(stage) == ["cat", "dog"]


def test_rules_are_capped(set_stage):
    stage = set_stage(product=set_stage.product(rules=2))
    made = stage.add_rules("a", "b", "c")
    assert len(made["data"]) == 2
    assert (made["errors"][0]["title"], made["errors"][0]["value"]) == ("RulesCap", "c")


def test_a_rule_has_a_length(stage):
    assert "data" in stage.add_rules("x" * 1_024)
    assert "data" not in stage.add_rules("x" * 1_025)


def test_a_rule_cannot_stand_on_a_negation_or_on_what_only_search_knows(stage):
    made = stage.add_rules("-is:retweet", "list:77", "cat min_likes:5", "cat min_followers:5")
    assert made["meta"]["summary"] == {
        "created": 1, "not_created": 3, "valid": 1, "invalid": 3,
    }  # fmt: skip


@pytest.mark.parametrize(
    "body", [None, [], {}, {"add": "cat"}, {"delete": []}, {"add": [], "delete": {}}, "add"]
)
def test_a_body_that_makes_no_sense_is_refused(stage, body):
    assert stage.ask(PATH, method="POST", body=body)[0] == 400


@pytest.mark.parametrize("entry", [None, 5, "cat", {}, {"value": None}, {"value": ["a"]}])
def test_an_entry_that_makes_no_sense_is_an_invalid_rule(stage, entry):
    _, _, made = stage.ask(PATH, method="POST", body={"add": [entry]})
    assert made["meta"]["summary"]["created"] == 0


def test_rules_hold_from_when_they_were_made(stage):
    stage.add_rules("from:AliceProtocol")
    connection = stage.connect()
    stage.post("his, before", ago=0, author=stage.bob)
    stage.now += 10
    stage.add_rules("from:bob_labs")
    stage.post("his, after", ago=0, author=stage.bob)
    stage.now += 10
    (message,) = stage.frames(connection.pull())
    assert message["data"]["text"] == "his, after"


def test_connections_are_ended_by_name_or_id_or_all_at_once(stage):
    stage.add_rules("cat")
    one = stage.connect()
    body = {"uuids": [one.id]}
    _, _, killed = stage.ask("/2/connections", method="DELETE", body=body)
    assert killed["data"]["results"] == [{"uuid": one.id, "success": True}]
    two = stage.connect()
    stage.ask("/2/connections/activity_stream", method="DELETE")
    assert not two.ended
    stage.ask("/2/connections/all", method="DELETE")
    assert two.ended == "killed"
