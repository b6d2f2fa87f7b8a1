import asyncio

import pytest

STREAM = "/2/tweets/search/stream"
BEAT = b"\r\n"


@pytest.fixture
def listening(stage):
    stage.add_rules("from:AliceProtocol -is:retweet")
    return stage.connect()


def test_without_rules_there_is_nothing_to_listen_to(stage):
    status, _, data = stage.ask(STREAM)
    assert status == 409
    assert data["connection_issue"] == "RuleConfigurationIssue"


def test_a_post_comes_within_seconds_with_the_rules_that_it_matches(stage, listening):
    post = stage.post("TGE", ago=0)
    assert listening.pull() == b""
    stage.now += 7
    (message,) = stage.frames(listening.pull())
    assert message["data"]["id"] == str(post.id)
    assert [rule["tag"] for rule in message["matching_rules"]] == ["t"]
    stage.now += 7
    assert listening.pull() == b""


def test_what_matches_no_rule_and_what_was_posted_before_does_not_come(stage):
    stage.post("before", ago=60)
    stage.add_rules("from:AliceProtocol")
    connection = stage.connect()
    stage.post("his", ago=0, author=stage.bob)
    stage.now += 10
    assert connection.pull() == b""
    assert stage.x.meter.billed_posts == 0


def test_every_post_that_comes_is_billed_and_none_twice_a_day(stage, listening):
    stage.post("TGE", ago=0)
    stage.now += 60
    listening.pull()
    stage.texts("from:AliceProtocol")
    assert stage.x.meter.billed_posts == 1
    assert stage.x.meter.billed_users == 0


def test_a_heartbeat_comes_after_each_twenty_silent_seconds(stage, listening):
    stage.now += 19.9
    assert listening.pull() == b""
    stage.now += 0.2
    assert listening.pull() == BEAT
    stage.now += 60
    assert listening.pull() == BEAT * 3


def test_a_heartbeat_is_not_due_while_posts_come(stage, listening):
    for _ in range(10):
        stage.post("again", ago=0)
        stage.now += 10
        assert listening.pull() != BEAT
    assert BEAT + BEAT not in listening.pull()


def test_an_edit_comes_as_a_post_of_its_own(stage, listening):
    post = stage.post("TGE in May", ago=0)
    stage.archive.edit(post.id, "TGE in June", at=stage.now + 30)
    stage.now += 60
    messages = stage.frames(listening.pull())
    assert [one["data"]["text"] for one in messages] == ["TGE in May", "TGE in June"]
    assert messages[1]["data"]["edit_history_tweet_ids"][0] == str(post.id)


def test_a_post_deleted_within_seconds_does_not_come(stage, listening):
    post = stage.post("oops", ago=0)
    stage.archive.delete(post.id, at=stage.now + 0.5)
    stage.now += 10
    assert listening.pull() == b""


def test_one_connection_is_all_there_is(stage, listening):
    status, _, data = stage.ask(STREAM)
    assert status == 429
    assert data["connection_issue"] == "TooManyConnections"
    assert stage.x.log.connections.total() == 1
    assert not stage.x.log.too_many
    listening.close()
    assert stage.ask(STREAM)[0] == 200


def test_a_connection_that_is_gone_may_still_count(set_stage):
    stage = set_stage(faults=set_stage.faults(stale=100.0))
    stage.add_rules("from:AliceProtocol")
    stage.connect().close()
    assert stage.ask(STREAM)[0] == 429
    _, _, listed = stage.ask("/2/connections")
    assert [one["endpoint_name"] for one in listed["data"]] == ["filtered_stream"]
    _, _, killed = stage.ask("/2/connections/filtered_stream", method="DELETE")
    assert killed["data"]["successful_kills"] == 1
    assert stage.connect().ended == ""


def test_a_stale_connection_is_forgotten_in_time(set_stage):
    stage = set_stage(faults=set_stage.faults(stale=100.0))
    stage.add_rules("from:AliceProtocol")
    stage.connect().close()
    stage.now += 100
    assert stage.ask(STREAM)[0] == 200


@pytest.mark.parametrize("name", ["backfill_minutes", "start_time", "end_time", "since_id"])
def test_nothing_is_ever_sent_again(stage, name):
    stage.add_rules("from:AliceProtocol")
    assert stage.ask(STREAM, {name: 1})[0] == 400


def test_a_reset_comes_without_a_word_and_what_follows_is_lost(stage, listening):
    stage.x.streams.filtered.drop("reset")
    stage.post("missed", ago=0)
    stage.now += 10
    assert listening.pull() == b""
    assert listening.ended == "reset"
    again = stage.connect()
    stage.now += 10
    assert again.pull() == b""


def test_an_operational_disconnect_says_so_first(stage, listening):
    stage.x.streams.filtered.drop("operational")
    (message,) = stage.frames(listening.pull())
    assert message["errors"][0]["title"] == "operational-disconnect"
    assert listening.ended == "operational"


def test_a_stalled_stream_is_open_and_silent(stage, listening):
    stage.x.streams.filtered.drop("stall")
    stage.post("missed", ago=0)
    stage.now += 100
    assert listening.pull() == b""
    assert not listening.ended
    assert stage.x.meter.billed_posts == 0
    assert stage.ask(STREAM)[0] == 429


def test_a_reader_that_is_slow_is_cut_off(set_stage):
    stage = set_stage(product=set_stage.product(stream_buffer=2_000))
    stage.add_rules("from:AliceProtocol")
    connection = stage.connect()
    for number in range(30):
        stage.post(f"news {number}", ago=0)
        stage.now += 1
    connection.wait()
    assert connection.ended == "full"
    messages = stage.frames(connection.pull())
    assert messages[-1]["errors"][0]["disconnect_type"] == "SlowReader"
    assert len(messages) < 20


def test_a_reader_that_keeps_up_is_not(set_stage):
    stage = set_stage(product=set_stage.product(stream_buffer=2_000))
    stage.add_rules("from:AliceProtocol")
    connection, found = stage.connect(), []
    for number in range(30):
        stage.post(f"news {number}", ago=0)
        stage.now += 1
        found += stage.frames(connection.pull())
    stage.now += 10
    found += stage.frames(connection.pull())
    assert len(found) == 30
    assert not connection.ended


def test_streams_end_by_chance_in_every_way(set_stage):
    stage = set_stage(faults=set_stage.faults(seed=3, disconnect=100.0))
    stage.add_rules("from:AliceProtocol")
    ends = set()
    for _ in range(30):
        connection = stage.connect()
        stage.now += 2_000
        connection.pull()
        ends.add("stall" if connection.stalled else connection.ended)
        connection.close()
    assert ends == {"reset", "operational", "stall"}


def test_chunks_come_without_a_socket_until_the_end(stage, listening):
    async def turn(seconds):
        stage.now += seconds
        if stage.now > stage.noon + 50:
            stage.x.streams.filtered.drop("operational")

    async def listen():
        return [chunk async for chunk in listening.chunks(turn, step=5.0)]

    chunks = asyncio.run(listen())
    assert chunks[:2] == [BEAT, BEAT]
    assert b"operational-disconnect" in chunks[-1]


class TestActivity:
    def subscribe(self, stage, user, event="post.create"):
        body = {"event_type": event, "filter": {"user_id": str(user)}, "tag": "alice"}
        return stage.ask("/2/activity/subscriptions", method="POST", body=body)

    def test_events_come_at_once_whatever_kind_of_post(self, stage):
        status, _, made = self.subscribe(stage, stage.alice)
        assert status == 201
        connection = stage.connect(path="/2/activity/stream")
        post = stage.post("TGE", ago=0)
        stage.post("reply", ago=0, kind="reply", target=post.id)
        stage.post("his", ago=0, author=stage.bob)
        stage.now += 1
        first, second = stage.frames(connection.pull())
        assert first["data"]["event_type"] == "post.create"
        assert first["data"]["payload"]["id"] == str(post.id)
        assert second["data"]["filter"] == {"user_id": str(stage.alice)}
        assert stage.x.meter.dollars == 0.010
        identity = made["data"]["subscription"]["subscription_id"]
        stage.ask(f"/2/activity/subscriptions/{identity}", method="DELETE")
        assert stage.ask("/2/activity/subscriptions")[2]["data"] == []

    def test_two_may_listen_and_no_third(self, stage):
        assert [stage.ask("/2/activity/stream")[0] for _ in range(3)] == [200, 200, 429]

    def test_subscriptions_have_to_make_sense(self, stage):
        assert self.subscribe(stage, "nobody")[0] == 400
        assert self.subscribe(stage, stage.alice, "like.create")[0] == 400
        assert stage.ask("/2/activity/subscriptions", method="POST", body=[])[0] == 400
