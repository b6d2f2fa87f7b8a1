"""Success is judged by what was said: the exit code is 0 for most of what was not done."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tgewatch.swarm.claude_flow.answer import answer_of, json_in
from tgewatch.swarm.claude_flow.child import Ended

REFUSED = {
    "an unknown hook of 2.x": Ended(0, "❌ Unknown hooks command: memory-store\n"),
    "an unknown hook of 3.x": Ended(0, "Self-Learning Hooks System\n\nUSAGE:\n  ruflo hooks\n"),
    "an unknown memory command of 3.x": Ended(0, "\nMemory Management Commands\n\nUSAGE:\n"),
    "an unknown memory command of 2.x": Ended(0, "Memory commands:\n  store <key>\n"),
    "a value that was taken for a number": Ended(0, "", "[ERROR] Value is required\n"),
    "a description that was taken for a number": Ended(0, '{"success": false}'),
    "a failure that names its error": Ended(0, '{"success": false, "error": "no such task"}'),
    "a folder of the other major": Ended(0, "❌ table memory_entries has no column named value"),
    "a database that was never made": Ended(1, "", "[ERROR] Database not initialized"),
    "an exit code": Ended(2, "something else"),
    "a signal": Ended(-11),
    "a deadline": Ended(None, '{"success": true}', cut="timeout"),
}


@pytest.mark.parametrize("ended", REFUSED.values(), ids=REFUSED)
def test_what_was_not_done_counts_as_failed_and_says_why(ended):
    answer = answer_of(ended)

    assert not answer.done
    assert 0 < len(answer.why) <= 250


DONE = {
    "silence, as of a notification": Ended(0),
    "words": Ended(0, "✅ Stored successfully\n"),
    "an object": Ended(0, '{"success": true, "taskId": "x"}'),
    "an object after information": Ended(0, '[INFO] Recording\n{\n  "success": true\n}\n'),
    "an error of another's that is only told": Ended(0, '{"suggestions": ["catch every error"]}'),
    "a warning beside it": Ended(0, "{}", "(node:1) ExperimentalWarning: SQLite\n"),
}


@pytest.mark.parametrize("ended", DONE.values(), ids=DONE)
def test_what_was_done_counts_as_done(ended):
    assert answer_of(ended).done


def test_a_failed_task_may_be_repeated_back_and_an_error_may_not():
    told = Ended(0, '{"taskId": "x", "success": false}')
    wrong = Ended(0, '{"success": false, "error": "no such task"}')

    assert answer_of(told, echoes_failure=True).done
    assert not answer_of(told).done
    assert answer_of(wrong, echoes_failure=True).why == "no such task"


def test_json_is_found_behind_lines_of_information():
    assert json_in('[INFO] a\n[INFO] b\n{"a": [1, {"b": 2}]}\n') == {"a": [1, {"b": 2}]}
    assert json_in("[1, 2]") == [1, 2]


@pytest.mark.parametrize("text", ["", "[INFO] nothing", "12", '"words"', "{", "[" * 100_000])
def test_no_json_is_none(text):
    assert json_in(text) is None


@settings(deadline=None)
@given(st.text(max_size=500), st.text(max_size=500), st.none() | st.integers(-15, 255))
def test_whatever_is_said_it_is_judged(out, err, code):
    answer = answer_of(Ended(code, out, err))

    assert not (answer.done and code != 0)
