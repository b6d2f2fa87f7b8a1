import pytest
from hypothesis import given
from hypothesis import strategies as st

from tgewatch.world.x import Archive
from tgewatch.world.x.operators import Scene
from tgewatch.world.x.query import STREAM, QueryError, compile_query


def found(stage, query, **more):
    return set(stage.texts(query, **more))


def test_words_and_phrases_ignore_case_accents_and_punctuation(stage):
    stage.post("The Café token, live!")
    stage.post("tokens live")
    assert found(stage, "CAFE token") == {"The Café token, live!"}
    assert found(stage, '"token live"') == {"The Café token, live!"}
    assert found(stage, "live") == {"The Café token, live!", "tokens live"}


def test_the_stream_minds_accents(stage):
    accented = stage.post("café token")
    scene = Scene(stage.archive, stage.now, stream=True)
    assert not compile_query("cafe", where=STREAM).matches(scene, accented)
    assert compile_query("café", where=STREAM).matches(scene, accented)


def test_the_stream_looks_into_quoted_posts_and_search_does_not(stage):
    quoted = stage.post("TGE tomorrow", author=stage.bob)
    post = stage.post("big news", kind="quote", target=quoted.id)
    scene = Scene(stage.archive, stage.now, stream=True)
    assert compile_query("TGE", where=STREAM).matches(scene, post)
    assert found(stage, "TGE from:AliceProtocol") == set()


def test_tags_are_not_words(stage):
    stage.post("soon: $FHE")
    stage.post("soon: FHE")
    assert found(stage, "$fhe") == {"soon: $FHE"}
    assert found(stage, "fhe") == {"soon: $FHE", "soon: FHE"}
    assert found(stage, "#fhe") == set()


def test_senders_are_named_by_name_or_number(stage):
    stage.post("hers")
    stage.post("his", author=stage.bob)
    assert found(stage, "from:aliceprotocol") == {"hers"}
    assert found(stage, f"from:{stage.bob}") == {"his"}
    assert found(stage, "from:AliceProtocol OR from:bob_labs") == {"hers", "his"}
    assert found(stage, "from:nobody") == set()


def test_and_binds_tighter_than_or(stage):
    hers = stage.post("hers")
    stage.post("RT", kind="repost", target=hers.id)
    stage.post("RT", kind="repost", target=hers.id, author=stage.bob)
    loose = stage.texts("from:AliceProtocol OR from:bob_labs -is:retweet")
    tight = stage.texts("(from:AliceProtocol OR from:bob_labs) -is:retweet")
    assert len(loose) == 2
    assert tight == ["hers"]


def test_replies_and_reposts_can_be_kept_out(stage):
    hers = stage.post("original")
    stage.post("reply", kind="reply", target=hers.id)
    stage.post("RT", kind="repost", target=hers.id)
    assert len(found(stage, "from:AliceProtocol")) == 3
    assert found(stage, "from:AliceProtocol -is:retweet -is:reply") == {"original"}


def test_searching_for_words_brings_no_reposts(stage):
    hers = stage.post("airdrop")
    stage.post("RT airdrop", kind="repost", target=hers.id)
    assert stage.texts("airdrop") == ["airdrop"]
    assert len(stage.texts("from:AliceProtocol")) == 2


def test_lists_languages_and_links(stage):
    stage.post("see https://alice.example/tge", lang="en")
    stage.post("ohne", lang="de")
    stage.post("not hers", author=stage.bob)
    assert len(found(stage, "list:77")) == 2
    assert found(stage, "list:77 lang:de") == {"ohne"}
    assert len(found(stage, "list:77 has:links")) == 1
    assert len(found(stage, 'url:"https://alice.example"')) == 1
    assert found(stage, "list:78") == set()


def test_likes_are_counted_as_of_now(stage):
    stage.post("popular", likes=1_000, ago=60)
    assert found(stage, "popular min_likes:900") == set()
    stage.now += 86_400
    assert found(stage, "popular min_likes:900") == {"popular"}


def test_answers_quotes_conversations_and_marks(stage):
    hers = stage.post("gm #tge @friend")
    stage.post("when?", author=stage.bob, kind="reply", target=hers.id)
    stage.post("this", author=stage.bob, kind="quote", target=hers.id)
    assert found(stage, "to:AliceProtocol") == found(stage, f"to:{stage.alice}") == {"when?"}
    assert found(stage, "from:bob_labs is:quote") == {"this"}
    assert found(stage, f"conversation_id:{hers.id} is:reply") == {"when?"}
    assert found(stage, "from:AliceProtocol has:hashtags has:mentions") == {"gm #tge @friend"}
    assert found(stage, "from:AliceProtocol has:cashtags") == set()
    assert found(stage, "from:AliceProtocol has:media") == set()
    assert found(stage, "from:AliceProtocol is:verified") == set()
    assert found(stage, "#TGE") == {"gm #tge @friend"}


def test_links_are_searched_apart_from_the_text(stage):
    post = stage.post("read https://alice.example/tge-date?x=1")
    scene = Scene(stage.archive, stage.now, stream=True)
    assert compile_query("url_contains:tge-date", where=STREAM).matches(scene, post)
    assert found(stage, "from:AliceProtocol example") == set()


@pytest.mark.parametrize(
    "query",
    [
        "lang:english a",
        "sample:0 a",
        "",
        "   ",
        "-is:retweet",
        "-(a b) c",
        "(a b",
        "a b)",
        "()",
        "a OR",
        "OR a",
        "a or b",
        "a and b",
        "min_faves:10 a",
        "min_followers:10 a",
        "followers_count:10 a",
        "nonsense:1 a",
        "from:",
        "is:nice a",
        "has:luck a",
        "min_likes:many a",
        'a "b',
        "list:1 OR list:2",
        "(" * 100 + "a" + ")" * 100,
        "(" * 1_000,
        "a OR -b",
    ],
)
def test_a_query_that_is_not_in_order_is_refused(query):
    with pytest.raises(QueryError):
        compile_query(query)


@pytest.mark.parametrize("query", ["min_likes:1 a", "min_reposts:1 a", "list:1"])
def test_the_stream_knows_less_of_some_things(query):
    compile_query(query)
    with pytest.raises(QueryError):
        compile_query(query, where=STREAM)


def test_the_stream_knows_more_of_others(stage):
    post = stage.post("a")
    scene = Scene(stage.archive, stage.now, stream=True)
    for query, expected in [
        ("a min_followers:5000", True),
        ("a min_followers:10000", False),
        ("a followers_count:1..9000", True),
        ("bio:builds", True),
        ("bio:breaks", False),
        ("a sample:100", True),
    ]:
        assert compile_query(query, where=STREAM).matches(scene, post) is expected, query


def test_a_list_can_be_another_products():
    with pytest.raises(QueryError):
        compile_query("list:1", lists=False)


def test_senders_of_a_query_are_known_beforehand(stage):
    scene = Scene(stage.archive, stage.now)
    assert compile_query("a from:AliceProtocol").senders(scene) == {stage.alice}
    assert compile_query("from:AliceProtocol OR a").senders(scene) is None
    assert compile_query("from:nobody").senders(scene) == frozenset()


@given(st.text(alphabet='ab():"-OR from:list is #$@1é\n', max_size=80))
def test_any_text_is_a_query_or_is_refused(text):
    try:
        query = compile_query(text)
    except QueryError:
        return
    assert query.senders(Scene(Archive(), 0.0)) in (None, frozenset()) or "from" in text
