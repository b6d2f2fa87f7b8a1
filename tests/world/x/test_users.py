import dataclasses

import pytest

BY = "/2/users/by"


def test_names_are_found_whatever_their_case_and_those_of_nobody_are_errors_beside(stage):
    status, _, data = stage.ask(BY, {"usernames": "ALICEPROTOCOL,nobody"})
    assert status == 200
    assert data["data"] == [
        {"id": str(stage.alice), "name": "AliceProtocol", "username": "AliceProtocol"}
    ]
    (error,) = data["errors"]
    assert (error["value"], error["parameter"]) == ("nobody", "usernames")
    assert error["type"].endswith("/resource-not-found")


def test_only_those_who_were_found_are_billed(stage):
    stage.ask(BY, {"usernames": "AliceProtocol,bob_labs,nobody"})
    stage.ask(BY, {"usernames": "AliceProtocol"})
    assert (stage.x.meter.billed_users, stage.x.meter.dollars) == (2, 0.020)
    stage.now += 86_400
    stage.ask(BY, {"usernames": "AliceProtocol"})
    assert stage.x.meter.billed_users == 3


def test_when_nobody_is_found_there_is_no_data(stage):
    status, _, data = stage.ask(BY, {"usernames": "nobody"})
    assert status == 200
    assert list(data) == ["errors"]


@pytest.mark.parametrize(
    "names", ["", "no-hyphens", "sixteenletters16", "a,,b", ",".join(["a"] * 101), "ä"]
)
def test_names_that_cannot_be_are_refused(stage, names):
    assert stage.ask(BY, {"usernames": names})[0] == 400


def test_a_hundred_names_are_one_request(stage):
    assert stage.ask(BY, {"usernames": ",".join(["a"] * 100)})[0] == 200


def test_a_suspended_account_is_forbidden(stage):
    account = stage.archive.accounts[stage.alice]
    stage.archive.add_account(dataclasses.replace(account, suspended=True))
    _, _, data = stage.ask(BY, {"usernames": "AliceProtocol"})
    assert data["errors"][0]["title"] == "Forbidden"
    assert stage.ask(f"/2/users/{stage.alice}/tweets")[2]["errors"]


def test_an_account_keeps_its_id_when_its_name_changes(stage):
    account = stage.archive.accounts[stage.alice]
    stage.archive.add_account(dataclasses.replace(account, username="AliceFoundation"))
    assert "data" not in stage.ask(BY, {"usernames": "AliceProtocol"})[2]
    _, _, data = stage.ask("/2/users", {"ids": stage.alice})
    assert data["data"][0]["username"] == "AliceFoundation"


def test_one_account_is_no_list(stage):
    _, _, data = stage.ask("/2/users/by/username/bob_labs", {"user.fields": "public_metrics"})
    assert data["data"]["public_metrics"] == {"followers_count": 10}
    assert stage.ask(f"/2/users/{stage.bob}")[2]["data"]["username"] == "bob_labs"
    assert stage.ask("/2/users/by/username/no-hyphens")[0] == 400
