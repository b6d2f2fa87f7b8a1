"""A few lines of MCP."""

import json

import pytest

from tgewatch.swarm.claude_flow import stdio

CALLS = [("memory_usage", {"action": "store"}), ("memory_usage", {"action": "retrieve"})]


def result(number, text, **more):
    said = {"content": [{"type": "text", "text": text}], **more}
    return json.dumps({"jsonrpc": "2.0", "id": number, "result": said})


def test_a_session_is_opened_before_tools_are_called():
    lines = [json.loads(line) for line in stdio.spoken(CALLS).splitlines()]

    methods = ["initialize", "notifications/initialized", "tools/call", "tools/call"]
    assert [line["method"] for line in lines] == methods
    assert [line.get("id") for line in lines] == [0, None, 1, 2]
    assert lines[2]["params"] == {"name": "memory_usage", "arguments": {"action": "store"}}


def test_answers_are_found_among_logs_in_any_order():
    heard = "\n".join(
        ["starting …", '{"jsonrpc":"2.0","method":"server.initialized"}', '{"id":0,"result":{}}',
         result(2, '{"value": 1}'), result(1, '{"success": true}')]
    )  # fmt: skip

    assert stdio.answered(heard, 2)
    assert stdio.answers(heard, 2) == {0: {"success": True}, 1: {"value": 1}}


@pytest.mark.parametrize("end", range(1, 60, 7))
def test_half_a_line_is_no_answer_yet(end):
    whole = result(1, "{}")

    assert not stdio.answered(whole[:-end], 1)
    assert stdio.answered(whole, 1)


@pytest.mark.parametrize(
    "line",
    [
        '{"id":1,"error":{"code":-32601}}', '{"id":1,"result":null}', '{"id":1,"result":{}}',
        result(1, "{}", isError=True), result(1, "no json"), '{"id":1,"result":{"content":[7]}}',
    ],
)  # fmt: skip
def test_an_answer_without_content_is_an_answer_of_nothing(line):
    assert stdio.answers(line, 1) == {0: None}


@pytest.mark.parametrize(
    "line", ["", "[]", "1", '{"id":"1","result":{}}', '{"id":7,"result":{}}', '{"id":1}']
)
def test_what_answers_no_call_is_none(line):
    assert stdio.answers(line, 1) == {}
