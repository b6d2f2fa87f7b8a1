from tgewatch.model.post import Post
from tgewatch.rules import x_copies
from tgewatch.rules.x_copies import Copies, Sieve

TEXT = "The Foo token launch is here, claim your share of the supply today"


def post(number, text=TEXT, **more):
    return Post(
        id=number, author="1", text=text, at=number * 1.0, root=more.pop("root", number), **more
    )


def test_a_post_passes_once():
    sieve = Sieve()

    assert sieve.passes(post(5), stranger=False)
    assert not sieve.passes(post(5), stranger=False)
    assert sieve.repeated == 1


def test_an_edit_passes_and_the_version_before_it_no_longer():
    sieve = Sieve()

    assert sieve.passes(post(5), stranger=False)
    assert sieve.passes(post(9, root=5), stranger=False)
    assert not sieve.passes(post(5), stranger=False)
    assert sieve.edits == 1


def test_an_edit_that_comes_first_keeps_the_old_version_out():
    sieve = Sieve()

    assert sieve.passes(post(9, root=5), stranger=False)
    assert not sieve.passes(post(5), stranger=False)


def test_reposts_of_one_post_are_one():
    sieve = Sieve()

    assert sieve.passes(post(7, repost_of=5), stranger=False)
    assert not sieve.passes(post(8, repost_of=5), stranger=False)
    assert not sieve.passes(post(5), stranger=False)


def test_strangers_who_copy_each_other_are_heard_once():
    sieve = Sieve()

    assert sieve.passes(post(1, TEXT + " https://a.example @one"), stranger=True)
    assert not sieve.passes(post(2, TEXT.upper() + " https://b.example @two"), stranger=True)
    assert not sieve.passes(post(3, TEXT.replace("here", "near")), stranger=True)
    assert sieve.passes(
        post(4, "An entirely different thing is said by this other one"), stranger=True
    )
    assert sieve.copies == 2


def test_a_company_may_say_the_same_again():
    sieve = Sieve()
    sieve.passes(post(1), stranger=False)

    assert sieve.passes(post(2), stranger=False)


def test_short_texts_are_alike_by_chance():
    sieve = Sieve()

    assert sieve.passes(post(1, "TGE when?"), stranger=True)
    assert sieve.passes(post(2, "TGE when?"), stranger=True)


def test_a_text_is_forgotten_after_a_day():
    copies = Copies()

    assert copies.original("1", TEXT, 0.0) == ""
    assert copies.original("2", TEXT, x_copies.WITHIN) == "1"
    assert copies.original("3", TEXT, x_copies.WITHIN + 1) == ""


def test_what_is_remembered_is_bounded(monkeypatch):
    monkeypatch.setattr(x_copies, "MOST", 3)
    sieve = Sieve()
    for number in range(10):
        sieve.passes(
            post(number + 1, " ".join(f"{w}{number}" for w in TEXT.split())), stranger=False
        )

    assert repr(sieve) == "<Sieve 3 posts>"
