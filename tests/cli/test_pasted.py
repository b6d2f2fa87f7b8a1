import io
import sys

import pytest
import typer

from tgewatch.cli.pasted import TEXT_LIMIT, pasted


@pytest.fixture
def typed(monkeypatch):
    def feed(content: bytes) -> str:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content), encoding="utf-8"))
        return pasted("-", "judge")

    return feed


def test_the_first_line_is_the_title_and_the_rest_one_more():
    assert pasted("\n Lumora  TGE \n\non\t12 May\n", "judge") == "Lumora TGE\non 12 May"


def test_what_could_deceive_or_drive_a_terminal_is_gone():
    text = "Lum\u200bora \x1b[31mTGE\x1b[0m \u202eset\u202c for 12 May\x07"

    assert pasted(text, "judge") == "Lumora TGE set for 12 May"


def test_standard_input_is_read_whatever_its_bytes(typed):
    assert typed(b"Lumora TGE") == "Lumora TGE"
    assert typed(b"\xef\xbb\xbfLumora TGE") == "Lumora TGE"
    assert typed(b"Lumora \xff\xfe TGE") == "Lumora \ufffd\ufffd TGE"
    assert len(typed("ж".encode() * 10 * TEXT_LIMIT)) <= TEXT_LIMIT


@pytest.mark.parametrize("text", ["", " \n\t", "\u200b\u200e", "\x1b[31m"])
def test_text_without_words_is_refused(text):
    with pytest.raises(typer.BadParameter, match="wants the words to label"):
        pasted(text, "label")
