"""The document names what there is, and nothing else."""

import asyncio
import re
from pathlib import Path

from tgewatch.clock import SystemClock
from tgewatch.mcp.scan import Scanner
from tgewatch.mcp.server import make_server

TEXT = (Path(__file__).parents[2] / "docs" / "mcp.md").read_text(encoding="utf-8")


def test_every_tool_stands_in_the_document_with_its_arguments(home):
    server = make_server(home.desk(scanner=Scanner(home.settings, clock=SystemClock())))

    tools = asyncio.run(server.list_tools())
    rows = dict(re.findall(r"^\| `(\w+)` \| (.+?) \|", TEXT, re.MULTILINE))

    assert set(rows) == {tool.name for tool in tools}
    for tool in tools:
        named = set(re.findall(r"`(\w+)`", rows[tool.name]))
        assert named == set(tool.input_schema.get("properties", {})), tool.name


def test_every_resource_stands_in_the_document(home):
    server = make_server(home.desk())

    fixed = asyncio.run(server.list_resources())
    patterns = asyncio.run(server.list_resource_templates())

    assert [str(one.uri) for one in fixed] == ["tgewatch://events/upcoming"]
    assert [one.name for one in patterns] == ["event"]
    assert "`tgewatch://events/upcoming`" in TEXT
    assert "`tgewatch://events/{id}`" in TEXT
