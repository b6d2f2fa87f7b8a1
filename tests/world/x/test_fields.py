def test_only_what_was_asked_for_comes_beside_id_text_and_history(stage):
    post = stage.post("hello")
    (found,) = stage.search("hello")["data"]
    assert found == {"id": str(post.id), "text": "hello", "edit_history_tweet_ids": [str(post.id)]}
    (found,) = stage.search("hello", **{"tweet.fields": "author_id,created_at,lang"})["data"]
    assert found["author_id"] == str(stage.alice)
    assert found["created_at"] == "2026-09-22T11:59:00.000Z"
    assert found["lang"] == "en"


def test_both_spellings_are_understood_and_answered_alike(stage):
    quoted = stage.post("quoted")
    stage.post("word " * 70 + "end", kind="quote", target=quoted.id)
    (old,) = stage.search("end", **{"tweet.fields": "note_tweet,referenced_tweets"})["data"]
    (new,) = stage.search("end", **{"post.fields": "note_post,referenced_posts"})["data"]
    assert old["note_tweet"]["text"] == new["note_post"]["text"]
    assert old["referenced_tweets"] == new["referenced_posts"]
    assert old["edit_history_tweet_ids"] == new["edit_history_post_ids"]
    assert not new.keys() & {"note_tweet", "referenced_tweets", "edit_history_tweet_ids"}


def test_a_spelling_may_have_been_given_up(set_stage):
    stage = set_stage(product=set_stage.product(spellings=("post",)))
    stage.post("hello")
    query = {"query": "hello", "tweet.fields": "author_id"}
    assert stage.ask("/2/tweets/search/recent", query)[0] == 400
    assert "edit_history_post_ids" in stage.search("hello")["data"][0]


def test_a_long_text_is_cut_and_the_end_is_in_the_note_only(stage):
    stage.post("word " * 70 + "TGE")
    (found,) = stage.search("TGE", **{"tweet.fields": "note_tweet"})["data"]
    assert "TGE" not in found["text"]
    assert len(found["text"]) <= 320
    assert found["note_tweet"]["text"].endswith("TGE")
    assert "note_tweet" not in stage.search("TGE")["data"][0]


def test_a_repost_is_cut_and_names_what_it_repeats(stage):
    post = stage.post("word " * 40, author=stage.bob)
    stage.post("RT", kind="repost", target=post.id)
    fields = {"tweet.fields": "referenced_tweets"}
    (found,) = stage.search("from:AliceProtocol", **fields)["data"]
    assert found["text"].startswith("RT @bob_labs: word")
    assert len(found["text"]) == 140
    assert found["referenced_tweets"] == [{"type": "retweeted", "id": str(post.id)}]


def test_links_are_short_in_the_text_and_whole_beside_it(stage):
    stage.post("see https://alice.example/tge now")
    (found,) = stage.search("see", **{"tweet.fields": "entities"})["data"]
    (url,) = found["entities"]["urls"]
    assert "alice.example" not in found["text"]
    assert found["text"][url["start"] : url["end"]] == url["url"]
    assert url["expanded_url"] == "https://alice.example/tge"


def test_expansions_bring_along_and_bill_what_they_bring(stage):
    post = stage.post("quoted", author=stage.bob)
    stage.post("hers", kind="reply", target=post.id)
    expansions = {"expansions": "author_id,referenced_tweets.id,in_reply_to_user_id"}
    data = stage.search("from:AliceProtocol", **expansions)
    assert {one["username"] for one in data["includes"]["users"]} == {"AliceProtocol", "bob_labs"}
    assert [one["text"] for one in data["includes"]["tweets"]] == ["quoted"]
    assert (stage.x.meter.billed_posts, stage.x.meter.billed_users) == (2, 2)
    assert stage.x.meter.dollars == 0.030


def test_what_a_post_refers_to_may_be_gone(stage):
    post = stage.post("quoted", author=stage.bob)
    stage.post("hers", kind="quote", target=post.id)
    stage.archive.delete(post.id, at=stage.now)
    data = stage.search("from:AliceProtocol", expansions="referenced_tweets.id")
    assert data["data"]
    assert data["errors"][0]["resource_id"] == str(post.id)


def test_likes_are_shown_as_they_grow(stage):
    stage.post("hello", likes=1_000)
    fields = {"tweet.fields": "public_metrics"}
    early = stage.search("hello", **fields)["data"][0]["public_metrics"]["like_count"]
    stage.now += 36_000
    late = stage.search("hello", **fields)["data"][0]["public_metrics"]["like_count"]
    assert early < 50
    assert late > 900
