"""The entry comes in, and everybody else's stays."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tgewatch.errors import ConfigError
from tgewatch.mcp.install import Entry, entry_for, merged

ENTRY = Entry("/opt/tgewatch/bin/tgewatch", ("--settings", "/etc/tgewatch.toml", "mcp"))
OURS = ENTRY.as_json()
OTHER = {"command": "npx", "args": ["-y", "other"], "env": {"KEY": "secret"}}


def put(document, **ways):
    text = document if isinstance(document, bytes) else json.dumps(document).encode()
    return merged(text, ENTRY, where="x.json", **ways)


def test_a_file_that_is_not_there_or_empty_begins_with_the_entry():
    for nothing in (None, b"", b" \n"):
        done = merged(nothing, ENTRY, where="x.json")
        assert json.loads(done.content) == {"mcpServers": {"tgewatch": OURS}}
        assert done.change == "added"


def test_everything_else_stays_as_it_was_and_in_its_order():
    before = {"zeta": [1, {"ü": None}], "mcpServers": {"other": OTHER}, "alpha": 1.5}

    done = put(before)

    after = json.loads(done.content)
    assert list(after) == ["zeta", "mcpServers", "alpha"]
    assert after == {**before, "mcpServers": {"other": OTHER, "tgewatch": OURS}}
    assert done.others == ("other",)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=12,
)  # fmt: skip


@given(
    st.dictionaries(st.text(max_size=8).filter(lambda key: key != "mcpServers"), JSON, max_size=4)
)
def test_whatever_else_the_file_holds_is_kept(rest):
    after = json.loads(put(rest).content)

    assert after.pop("mcpServers") == {"tgewatch": OURS}
    assert after == rest


def test_a_second_time_changes_nothing():
    once = put({"mcpServers": {"other": OTHER}})

    again = put(once.content)

    assert (again.change, again.content) == ("unchanged", once.content)


def test_an_older_entry_of_ours_is_replaced_and_keeps_what_the_user_added():
    old = {"command": "/old/bin/tgewatch", "args": ["mcp"], "env": {"NO_COLOR": "1"}}

    done = put({"mcpServers": {"tgewatch": old}})

    assert done.change == "replaced"
    assert json.loads(done.content)["mcpServers"]["tgewatch"] == {**old, **OURS}


def test_another_programs_entry_of_the_name_is_not_touched_unless_told_to():
    for other in (OTHER, "text", {"command": "/opt/tgewatch", "args": ["serve"]}):
        with pytest.raises(ConfigError) as error:
            put({"mcpServers": {"tgewatch": other}})
        assert "--name, or replace it with --force" in str(error.value)
        assert "secret" not in str(error.value)

    done = put({"mcpServers": {"tgewatch": OTHER}}, force=True)
    assert json.loads(done.content)["mcpServers"]["tgewatch"]["command"] == ENTRY.command


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (b'{"mcpServers": {,}}', "x.json:1: is not JSON (Expecting property name"),
        (b"{\n  // comment\n}", "x.json:2: is not JSON"),
        (b'{"a": 1, "a": 2}', "'a' stands twice in one object"),
        (b'{"a": NaN}', "NaN is not JSON"),
        (b"[]", "must be a JSON object"),
        (b'{"mcpServers": []}', "'mcpServers' must be an object"),
        (b"\xff\xfe", "is not UTF-8 text"),
        (b"[" * 100_000, "mend it first"),
    ],
)  # fmt: skip
def test_a_file_that_cannot_be_merged_is_refused_with_what_to_change(text, sentence):
    with pytest.raises(ConfigError) as error:
        put(text)

    assert sentence in str(error.value)
    assert len(error.value.problems) == 1


def test_a_byte_order_mark_is_no_reason_to_refuse():
    assert put(b"\xef\xbb\xbf{}").change == "added"


def test_the_entry_starts_this_program_from_anywhere(tmp_path):
    python = tmp_path / "bin" / "python"
    python.parent.mkdir()

    bare = entry_for(settings=None, state=None, allow_scan=False, executable=str(python))
    assert bare == Entry(str(python), ("-m", "tgewatch", "mcp"))

    script = python.with_name("tgewatch")
    script.touch()
    full = entry_for(
        settings=Path("/etc/t.toml"), state=Path("/var/t"), allow_scan=True, executable=str(python)
    )
    assert full == Entry(
        str(script),
        ("--settings", "/etc/t.toml", "--state", "/var/t", "mcp", "--allow-scan"),
    )
