"""Lines of keys, held against tomllib: the same keys, each on a line where it stands."""

import tomllib
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tgewatch.settings.lines import key_lines, line_of

TRICKY = [
    "plain",
    "with # hash",
    "with ] and } and , and =",
    "[[not.a.table]]",
    'a "quoted" word',
    "back\\slash \\\\",
    "two\nlines = 1\n[section]\n",
    "tab\tand\r\nreturn",
    "ünï → ☕",
    "''' and \"\"\"",
    "",
]


def basic(text):
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    for char, name in (("\n", "\\n"), ("\t", "\\t"), ("\r", "\\r")):
        escaped = escaped.replace(char, name)
    return f'"{escaped}"'


def multiline(text):
    escaped = text.replace("\\", "\\\\").replace('"""', '""\\"').replace("\r", "\\r")
    if escaped.endswith('"'):
        escaped = escaped[:-1] + '\\"'
    return f'"""\n{escaped}"""'


def literal(text):
    return f"'{text}'" if not set("'\n\r") & set(text) else basic(text)


def multiline_literal(text):
    if "'''" in text or "\r" in text or text.endswith("'"):
        return basic(text)
    return f"'''\n{text}'''"


texts = st.builds(
    lambda text, style: style(text),
    st.sampled_from(TRICKY),
    st.sampled_from([basic, multiline, literal, multiline_literal]),
)
scalars = texts | st.sampled_from(
    ["1", "-1_000", "1e9", "0x1F", "inf", "true", "1979-05-27 07:32:00", "07:32:00", "1979-05-27"]
)
blanks = st.sampled_from(["", " ", "\n", "\n  # ] } , = \" '\n", "\r\n\t"])


@st.composite
def documents(draw):  # noqa: C901 - a grammar has many cases
    numbers = count()

    def key():
        name = f"k{next(numbers)}"
        return draw(st.sampled_from([name, f'"{name}"', f"'{name}'"]))

    def dotted():
        space = draw(st.sampled_from(["", " "]))
        return f"{space}.{space}".join(key() for _ in range(draw(st.integers(1, 3))))

    def value(depth):
        kind = draw(st.integers(0, 5 if depth else 3))
        if kind == 4:
            parts = [
                f"{draw(blanks)}{value(depth - 1)}{draw(blanks)}"
                for _ in range(draw(st.integers(0, 3)))
            ]
            end = draw(st.sampled_from(["", ","])) if parts else ""
            return f"[{','.join(parts)}{end}{draw(blanks)}]"
        if kind == 5:
            pairs = [f" {dotted()} = {inline(depth - 1)}" for _ in range(draw(st.integers(0, 2)))]
            return f"{{{','.join(pairs)} }}"
        return draw(scalars)

    def inline(depth):
        return value(depth).replace("\r\n\t", " ") if depth == 0 else draw(scalars)

    def pairs():
        end = draw(st.sampled_from(["\n", " # x = 1\n", "\r\n"]))
        return "".join(f"{dotted()} = {value(2)}{end}" for _ in range(draw(st.integers(0, 3))))

    text = pairs()
    arrays = []
    for _ in range(draw(st.integers(0, 4))):
        if arrays and draw(st.booleans()):
            name = draw(st.sampled_from(arrays))
            text += f"[[{name}]]\n{pairs()}"
            if draw(st.booleans()):
                text += f"[{name}.{dotted()}]\n{pairs()}"
        elif draw(st.booleans()):
            arrays.append(dotted())
            text += f"[[ {arrays[-1]} ]] # first\n{pairs()}"
        else:
            text += f"[{dotted()}]\n{pairs()}"
    return text


def paths(value, path=()):
    found = {path} if path else set()
    if isinstance(value, dict):
        for key, inner in value.items():
            found |= paths(inner, (*path, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            found |= paths(inner, (*path, index))
    return found


@given(documents())
def test_finds_every_key_that_tomllib_finds_and_no_other(text):
    assert set(key_lines(text)) == paths(tomllib.loads(text))


@given(documents())
def test_every_key_stands_on_its_line(text):
    lines = text.split("\n")

    for path, line in key_lines(text).items():
        if isinstance(path[-1], str):
            assert path[-1] in lines[line - 1]


def test_counts_tables_of_an_array_and_enters_the_last():
    text = "[[a]]\nx = 1\n[a.t]\ny = 2\n[[a]]\nx = 3\n[[a.b]]\nz = 4\n"

    lines = key_lines(text)

    assert lines[("a", 0, "x")] == 2
    assert lines[("a", 0, "t", "y")] == 4
    assert lines[("a", 1, "x")] == 6
    assert lines[("a", 1, "b", 0, "z")] == 8


def test_numbers_the_elements_of_a_long_array():
    lines = key_lines('a = [\n  "one", # [\n  "two",\n\n  "three",\n]\nb = 1\n')

    assert [lines[("a", i)] for i in range(3)] == [2, 3, 5]
    assert lines[("b",)] == 7


@pytest.mark.parametrize("quotes", ['"""', "'''"])
def test_is_not_fooled_by_keys_inside_of_long_texts(quotes):
    text = f"a = {quotes}\nb = 1\n[c]\n{quotes}\nd = 2\n"

    assert key_lines(text) == {("a",): 1, ("d",): 5}


def test_names_the_nearest_line_for_what_is_not_written():
    lines = key_lines("\n[fetch.rss]\ntotal = 1\n")

    assert line_of(lines, ("fetch", "rss", "connect")) == 2
    assert line_of(lines, ("fetch", "rss", "total", "deep")) == 3
    assert line_of(lines, ("store",)) == 1
    assert line_of({}, ()) == 1
