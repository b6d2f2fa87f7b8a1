"""XML that is nearly well-formed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from tgewatch.errors import MalformedError
from tgewatch.parse.repair import MAX_SIGNS, repair


@pytest.mark.parametrize(
    ("broken", "mended"),
    [
        (b"<t>&nbsp;&eacute;&hellip;</t>", "<t>\u00a0é…</t>".encode()),
        (b"<t>AT&T & Co</t>", b"<t>AT&amp;T &amp; Co</t>"),
        (b"<t>&unknown; &lt;</t>", b"<t>&amp;unknown; &lt;</t>"),
        (b"<t>1 < 2 <- 3</t>", b"<t>1 &lt; 2 &lt;- 3</t>"),
        (b"<t>a\x00b\x0bc\x1b[31md</t>", b"<t>abcd</t>"),
        (b"<t>&#0;&#x1F;&#xFFFE;&#65;</t>", b"<t>&#65;</t>"),
        (b"<t>&#55357;&#56832;</t>", "<t>😀</t>".encode()),
        (b'<t a="?x=1&y=2"/>', b'<t a="?x=1&amp;y=2"/>'),
    ],
)
def test_what_a_strict_parser_refuses_is_mended(broken, mended):
    assert repair(broken, {}) == mended
    etree.fromstring(mended)


def test_cdata_is_left_as_it_is():
    text = b"<t><![CDATA[a & b &nbsp; <]]> &amp;</t>"

    assert repair(text, {}) == text


def test_entities_of_the_document_go_before_those_of_html():
    assert repair(b"<t>&copy;&amp;</t>", {b"copy": b"Copy Inc"}) == b"<t>Copy Inc&amp;</t>"


def test_entities_may_not_make_a_document_grow():
    with pytest.raises(MalformedError, match="grow") as caught:
        repair(b"<t>" + b"&a;" * 1_000 + b"</t>", {b"a": b"x" * 1_000})

    assert caught.value.cause == "entity_bomb"


def test_a_document_of_ampersands_is_not_repaired():
    with pytest.raises(MalformedError) as caught:
        repair(b"&" * (MAX_SIGNS + 1), {})

    assert caught.value.cause == "too_complex"


@given(st.lists(st.sampled_from([b"<t>", b"</t>", b"&", b"&a;", b"<![CDATA[", b"]]>", b"x", b"<"])))
def test_mending_twice_changes_nothing(parts):
    once = repair(b"".join(parts), {})

    assert repair(once, {}) == once
