"""What stands before the root, and the entities that are refused there."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tgewatch.errors import MalformedError
from tgewatch.parse.doctype import MAX_PROLOG, read_prolog


def cause_of(text):
    with pytest.raises(MalformedError) as caught:
        read_prolog(text)
    return caught.value.cause


def doctype(subset):
    return b"<!DOCTYPE rss [" + subset + b"]><rss/>"


@pytest.mark.parametrize(
    "prolog",
    [
        b"",
        b'<?xml version="1.0"?>\n',
        b'<?xml version="1.0"?><?xml-stylesheet href="x"?><!-- <rss> --> ',
        b"<?xml?xml version='1.0'??>",
        b'<!DOCTYPE rss PUBLIC "-//Netscape Communications//DTD RSS 0.91//EN" "http://x/rss.dtd">',
        b"<!DOCTYPE rss [<!-- ]> <!ENTITY x SYSTEM 'y'> --><!ELEMENT rss (a)>]>",
        b'<!DOCTYPE rss [<!ENTITY a "]>">]>',
        b"\xef\xbb\xbf junk ",
    ],
)
def test_the_root_is_found_behind_all_that_may_precede_it(prolog):
    text = prolog + b"<rss><channel/></rss>"

    assert text[read_prolog(text).root :].startswith(b"<rss>")


def test_entities_of_the_document_are_expanded():
    prolog = read_prolog(doctype(b"<!ENTITY a \"Acme\"><!ENTITY b '&a; &amp; Co'>"))

    assert prolog.entities == {b"a": b"Acme", b"b": b"Acme &amp; Co"}


def test_w3c_character_sets_are_passed_over():
    subset = b'<!ENTITY % l PUBLIC "-//W3C//ENTITIES Latin 1 for XHTML//EN" "http://w3/x.ent"> %l;'

    assert read_prolog(doctype(subset)).entities == {}


@pytest.mark.parametrize(
    "subset",
    [
        b'<!ENTITY x SYSTEM "file:///etc/passwd">',
        b'<!ENTITY x PUBLIC "any" "http://x.example/">',
        b'<!ENTITY % p SYSTEM "http://x.example/p.dtd"> %p;',
        b"<!ENTITY % p \"<!ENTITY x 'y'>\"> %p;",
        b'<!ENTITY a "' + b"x" * 3_000 + b'">',
        b"".join(b'<!ENTITY a%d "x">' % n for n in range(400)),
        b'<!ENTITY a0 "lol">'
        + b"".join(b'<!ENTITY a%d "%s">' % (n, b"&a%d;" % (n - 1) * 10) for n in range(1, 10)),
        b'<!ENTITY a "&b;"><!ENTITY b "&a;">',
        b'<!ENTITY a "&a;">',
        b"<!-- " + b"x" * MAX_PROLOG,
    ],
)
def test_external_growing_and_endless_declarations_are_bombs(subset):
    assert cause_of(doctype(subset)) == "entity_bomb"


@pytest.mark.parametrize(
    "text", [b"", b"text", b"<!--" * 50_000, b"<?" * 90_000, b"< < <", b"<!DOCTYPE html>"]
)
def test_without_a_root_there_is_none(text):
    assert read_prolog(text).root == -1


@given(
    st.lists(st.sampled_from([b"<", b"!", b"[", b"]", b">", b"--", b'"', b"?", b"DOCTYPE", b"a"]))
)
def test_no_input_does_more_than_be_refused(parts):
    with contextlib.suppress(MalformedError):
        assert read_prolog(b"".join(parts)).root >= -1
