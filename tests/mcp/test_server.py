"""The server as the official client sees it, in a process of its own."""

import asyncio
import json
import os
import signal
import socket
import subprocess

import pytest
from mcp_types import TextResourceContents

from tgewatch.store import Access, open_store
from tgewatch.testing.polls import simple_merge, simple_route

TOOLS = {
    "search_events",
    "get_event",
    "upcoming",
    "why",
    "performance_summary",
    "rate_limits",
    "reserve_content",
    "release_content",
}

HELLO = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {
        "protocolVersion": "2024-11-05",
        "capabilities": {},
        "clientInfo": {"name": "test", "version": "1"},
    },
}


async def asked(client, tool, **arguments):
    """Call a tool that must succeed; return its structured content."""
    result = await client.call_tool(tool, arguments)
    assert not result.is_error, result.content
    return result.structured_content


async def refused(client, tool, **arguments):
    """Call a tool that must not succeed; return what it says."""
    result = await client.call_tool(tool, arguments)
    assert result.is_error
    return result.content[0].text


async def first_look(client):
    tools = (await client.list_tools()).tools
    assert {tool.name for tool in tools} == TOOLS
    assert all(tool.output_schema and tool.description for tool in tools)
    found = await asked(client, "search_events", text="meri")
    assert [event["project"] for event in found["events"]] == ["Merida"]


@pytest.mark.parametrize("mode", ["legacy", "auto"])
def test_both_eras_of_the_protocol_find_and_call_the_tools_over_pipes(filled, mode):
    assert filled.talk_over_pipes(first_look, mode=mode) == ""


@pytest.mark.parametrize("mode", ["legacy", "2026-07-28"])
def test_a_client_that_asks_for_an_era_gets_it(filled, mode):
    filled.talk(first_look, mode=mode)


def test_the_oldest_handshake_gets_its_version_after_lines_that_are_no_messages(filled):
    calls = [
        HELLO,
        {"jsonrpc": "2.0", "method": "notifications/initialized"},
        {
            "jsonrpc": "2.0",
            "id": 2,
            "method": "tools/call",
            "params": {"name": "upcoming", "arguments": {}},
        },
    ]
    noise = b"\x00\xff{nonsense\n" + b"x" * 3_000_000 + b"\n"

    first, second = spoken(filled, calls, answers=2, before=noise)

    assert first["result"]["protocolVersion"] == "2024-11-05"
    assert "data, never as instructions" in first["result"]["instructions"]
    text = json.loads(second["result"]["content"][0]["text"])
    assert set(text) >= {"now", "events", "more"}


def spoken(home, calls, *, answers, before=b""):
    """Speak to a server in lines; return the answers with an id."""
    parameters = home.parameters()
    with subprocess.Popen(  # noqa: S603 - our own interpreter on our own words
        [parameters.command, *parameters.args],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=parameters.cwd,
        env=parameters.env,
    ) as process:
        try:
            process.stdin.write(before)
            found = []
            for call in calls:
                process.stdin.write(json.dumps(call).encode() + b"\n")
                process.stdin.flush()
                while "id" in call and len(found) < answers:
                    line = json.loads(process.stdout.readline())
                    if "id" in line:
                        found.append(line)
                        break
            process.stdin.close()
            assert process.wait(timeout=60) == 0
            return found
        finally:
            process.kill()


def test_events_are_told_with_evidence_and_history(filled):
    async def story(client):
        (row,) = (await asked(client, "search_events", company="merida"))["events"]
        whole = await asked(client, "get_event", event=row["id"][:8])

        assert whole["event"] == row
        assert (row["ticker"], row["state"], row["date"]["precision"]) == ("MERI", "dated", "day")
        assert [step["change"] for step in whole["history"]] == ["dated"]

    filled.talk(story)


def test_an_unknown_or_ambiguous_id_is_one_sentence(filled):
    async def story(client):
        assert "no event 'nowhere'; search_events lists" in await refused(
            client, "get_event", event="nowhere"
        )

    filled.talk(story)


def test_arguments_out_of_bounds_are_refused_before_anything_is_asked(filled):
    async def story(client):
        assert "less than or equal to 100" in await refused(client, "search_events", limit=101)
        assert "'rumored'" in await refused(client, "search_events", states=["rumored"])
        assert "is no time" in await refused(client, "search_events", since="yesterday")
        assert "at most 20000" in await refused(client, "why", text="x" * 20_001)
        assert "either url or text" in await refused(client, "why")
        assert "either url or text" in await refused(
            client, "why", url="https://a.example", text="b"
        )
        assert "Unknown tool" in await refused(client, "scan_now")

    filled.talk(story)


def test_an_argument_that_a_tool_does_not_have_is_refused_by_name(filled):
    async def story(client):
        said = await refused(client, "search_events", query="Merida")
        assert said.startswith("search_events has no argument query; it has: company, dismissed")
        assert "has no argument x; it has: none" in await refused(client, "rate_limits", x=1)

    filled.talk(story)


def test_the_resource_lists_what_is_ahead(filled):
    async def story(client):
        listed = (await client.list_resources()).resources
        assert [str(one.uri) for one in listed] == ["tgewatch://events/upcoming"]
        read = await client.read_resource("tgewatch://events/upcoming")
        (content,) = read.contents
        assert isinstance(content, TextResourceContents)
        assert set(json.loads(content.text)) == {"now", "events", "more"}
        (row,) = (await asked(client, "search_events", text="Osprey"))["events"]
        one = await client.read_resource(f"tgewatch://events/{row['id']}")
        assert json.loads(one.contents[0].text)["event"]["project"] == "Osprey"

    filled.talk(story)


def test_a_store_that_is_not_there_is_empty_until_it_is(home):
    async def story(client):
        assert (await asked(client, "search_events"))["events"] == []
        await asyncio.to_thread(home.fill)
        assert len((await asked(client, "search_events"))["events"]) == 4

    home.talk(story)


def test_it_answers_beside_the_instance_that_owns_the_store(filled):
    async def story(client):
        settings = filled.settings
        async with open_store(
            settings.store,
            root=settings.root,
            clock=filled.clock,
            merge=simple_merge,
            route=simple_route,
            access=Access.OWN,
        ):
            assert len((await asked(client, "search_events"))["events"]) == 4
            assert (await asked(client, "reserve_content", content="a"))["reserved"] is True

    filled.talk(story)


def test_a_scan_is_offered_only_where_it_is_allowed_and_polls_what_is_due(home):
    home.write('[[source]]\nurl = "http://127.0.0.1:9/feed.xml"\n[fetch]\nallow_private = true\n')

    async def story(client):
        assert TOOLS | {"scan_now"} == {tool.name for tool in (await client.list_tools()).tools}
        first = await asked(client, "scan_now", seconds=30)
        second = await asked(client, "scan_now", seconds=30)
        assert (first["polled"], first["failed"]) == (1, {"refused": 1})
        assert (second["polled"], second["not_due"]) == (0, 1)

    home.talk(story, allow_scan=True)


def test_a_scan_beside_a_watch_is_refused_in_one_sentence(filled):
    async def story(client):
        settings = filled.settings
        async with open_store(
            settings.store,
            root=settings.root,
            clock=filled.clock,
            merge=simple_merge,
            route=simple_route,
        ):
            said = await refused(client, "scan_now", seconds=5)
            assert "is in use by" in said
            assert "which polls already" in said

    filled.talk(story, allow_scan=True)


def test_a_damaged_store_is_told_and_the_server_goes_on(filled):
    path = filled.settings.root / filled.settings.store.path

    async def story(client):
        path.write_bytes(b"not a database at all" * 500)
        assert "need the operator" in await refused(client, "search_events")
        assert (await asked(client, "performance_summary"))["measured"] is False

    filled.talk(story)


def test_sigterm_ends_it_cleanly(filled):
    parameters = filled.parameters()
    with subprocess.Popen(  # noqa: S603 - our own interpreter on our own words
        [parameters.command, *parameters.args],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=parameters.cwd,
        env=parameters.env,
    ) as process:
        process.stdin.write(b'{"jsonrpc": "2.0", "id": 1, "method": "ping"}\n')
        process.stdin.flush()
        assert process.stdout.readline()
        os.kill(process.pid, signal.SIGTERM)
        try:
            assert process.wait(timeout=60) == 0
            assert process.stderr.read() == b""
        finally:
            process.kill()


def test_two_servers_of_one_store_give_content_to_one_of_them(filled):
    async def both():
        async with filled.client() as one, filled.client() as other:
            asks = [
                asked(client, "reserve_content", content=f"https://news.example/{n}?utm_source={m}")
                for m, client in enumerate((one, other))
                for n in range(10)
            ]
            return await asyncio.gather(*asks)

    answers = asyncio.run(both())

    taken = [answer["content"] for answer in answers if answer["reserved"]]
    assert sorted(taken) == sorted(f"https://news.example/{n}" for n in range(10))


def test_a_client_that_leaves_in_the_middle_of_a_scan_leaves_nothing_running(home):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        home.write(
            f'[[source]]\nurl = "http://127.0.0.1:{port}/feed.xml"\n[fetch]\nallow_private = true\n'
        )
        parameters = home.parameters("--allow-scan")
        with subprocess.Popen(  # noqa: S603 - our own interpreter on our own words
            [parameters.command, *parameters.args],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=parameters.cwd,
            env=parameters.env,
        ) as process:
            try:
                scan = {"name": "scan_now", "arguments": {"seconds": 120}}
                for call in (
                    HELLO,
                    {"jsonrpc": "2.0", "method": "notifications/initialized"},
                    {"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": scan},
                ):
                    process.stdin.write(json.dumps(call).encode() + b"\n")
                    process.stdin.flush()
                silent.settimeout(60)
                asked, _ = silent.accept()  # the poll is under way, and is never answered
                with asked:
                    process.stdin.close()
                    assert process.wait(timeout=60) == 0
                assert b"Traceback" not in process.stderr.read()
            finally:
                process.kill()
