import asyncio
from io import StringIO

import pytest
from rich.console import Console

from tgewatch.errors import RefusedError
from tgewatch.model import Notice
from tgewatch.notify.channels.console import ConsoleChannel

NOTICE = Notice("event", "live", "Curvance", "Curvance: [bold]token[/bold] is live :smile:", 0.0)


def printed(**how):
    out = StringIO()
    channel = ConsoleChannel("console", console=Console(file=out, width=60, **how))
    asyncio.run(channel.send(NOTICE, key="k"))
    return out.getvalue()


def test_a_pipe_gets_plain_lines():
    text = printed()

    assert text.startswith("Curvance: [bold]token[/bold] is live :smile:\n")
    assert "\x1b" not in text


def test_a_terminal_gets_colours_and_words_of_others_literally():
    text = printed(force_terminal=True, color_system="standard")

    assert "\x1b" in text
    assert "[bold]token[/bold]" in text


def test_a_pipe_that_nobody_reads_is_a_refusal():
    class Closed(StringIO):
        def write(self, _text):
            raise BrokenPipeError

    class Harmless(Console):
        def on_broken_pipe(self):
            raise SystemExit(1)  # as Rich does, after it has closed this process's own output

    channel = ConsoleChannel("console", console=Harmless(file=Closed()))
    with pytest.raises(RefusedError):
        asyncio.run(channel.send(NOTICE, key="k"))


def test_it_says_its_name():
    assert repr(ConsoleChannel("c", console=Console(file=StringIO()))) == "<ConsoleChannel c>"
