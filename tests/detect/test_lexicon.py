from tgewatch.detect import lexicon


def test_the_first_class_that_lists_a_word_has_it():
    found = lexicon.read(
        '[class.A]\nwords = "drop"\n[class.B]\nwords = "drop fall"\nphrases = ["fall off"]\n'
    )

    assert found.words == {"drop": "A", "fall": "B"}
    assert found.phrases == {"fall off": "B"}


def test_only_classes_about_tokens_are_terms_of_the_early_filter():
    terms = lexicon.shipped().terms()

    assert {"airdrop", "tge", "token launch", "listing"} <= terms.keys()
    assert "surges" not in terms


def test_shipped_words_are_lower_case_and_single():
    shipped = lexicon.shipped()

    assert all(w == w.lower() and " " not in w for w in shipped.words)
    assert all(p == p.lower() for p in shipped.phrases)
