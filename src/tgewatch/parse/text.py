"""Text of strangers made fit for people: no mark-up, no power over the terminal, bounded."""

import html
import re
import unicodedata

_MARKUP_FACTOR = 4
_MARKUP_LEAST = 20_000

# In a word, these are no space. Both cases are spelled out: ignoring case costs six times as much.
_INLINE = re.compile(
    r"</?(?:a(?:bbr)?|b(?:di|do|ig)?|c(?:ite|ode)|del|em|font|i(?:ns)?|kbd|mark|q"
    r"|s(?:amp|mall|pan|trike|trong|u[bp])?|tt|u|var|wbr|A|B|EM|FONT|I|SPAN|STRONG|U)"
    r"(?:\s[^<>]*)?/?>"
)
_TAG = re.compile(r"<[a-zA-Z/!?][^<>]*>")
_LIKE_TAG = re.compile(r"</?[a-zA-Z][a-zA-Z0-9]*(?:\s[^<>]*)?/?>")
_LIKE_ENTITY = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[a-zA-Z][a-zA-Z0-9]{1,31});")
_LONG_REFERENCE = re.compile(r"&#(?:\d{8,}|[xX][0-9a-fA-F]{7,});?")
_HIDDEN = re.compile(r"<(!--|script\b|style\b)", re.IGNORECASE)
_ESCAPE = re.compile(
    r"(?:\x1b\]|\x9d)[^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)?"  # OSC: titles, hyperlinks, clipboard
    r"|(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]?"  # CSI: colours, cursor
    r"|\x1b[PX^_][^\x1b\x9c]*(?:\x1b\\|\x9c)?"  # DCS, SOS, PM, APC
    r"|\x1b[ -/]*[0-~]?"
)
# Drawn as nothing although not of category Cf: fillers, joiners, variation selectors.
_INVISIBLE = "\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0d\uffa0\U000e0100-\U000e01ef"
_MARKS = "\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f"
_SUSPECT = re.compile(f"[{_INVISIBLE}{_MARKS}]")
_PILE = re.compile(f"([{_MARKS}]{{3}})[{_MARKS}]+")
_DROPPED = frozenset({"Cc", "Cf", "Cs"})
_JOINERS = "\u200c\u200d"


def plain_text(markup: str, limit: int) -> str:
    """Return the text of an HTML fragment, cleaned, of at most `limit` characters.

    Reads double-escaped HTML and text without mark-up too; a `<` that opens no tag stays. Takes
    time linear in `limit`. Does not keep paragraphs.
    """
    text = markup[: _reach(limit)]
    if len(text) < len(markup) and text.rfind("<") > text.rfind(">"):
        text = text[: text.rfind("<")]
    for _ in range(2):
        if "<" in text:
            text = _without_tags(text)
        if "&" not in text:
            break
        text = _unescaped(text)
        tags = "<" in text and _LIKE_TAG.search(text)
        if not (tags or ("&" in text and _LIKE_ENTITY.search(text))):
            break
    return clean(text, limit)


def clean(text: str, limit: int) -> str:
    """Return `text` in one line, without what could deceive, of at most `limit` characters.

    Removes terminal escapes, control characters, bidirectional overrides, lone surrogates,
    invisible characters and piles of combining marks. Joiners stay where scripts and emoji need
    them.
    """
    text = " ".join(text[: _reach(limit)].split())
    if not text.isprintable() or not (text.isascii() or _SUSPECT.search(text) is None):
        text = " ".join(_scrubbed(text).split())
    return shorten(text, limit)


def shorten(text: str, limit: int) -> str:
    """Return `text`, ended by an ellipsis when it is longer than `limit` characters."""
    if len(text) <= limit:
        return text
    cut = text[: limit - 1]
    space = cut.rfind(" ", limit - 40 if limit > 80 else limit)  # noqa: PLR2004 - about one word
    return (cut[:space] if space > 0 else cut).rstrip() + "…"


def _reach(limit: int) -> int:
    """Return how many characters of the source are looked at for `limit` characters of text."""
    return max(limit * _MARKUP_FACTOR, _MARKUP_LEAST)


def _without_tags(text: str) -> str:
    if "<![CDATA[" in text:
        text = text.replace("<![CDATA[", "").replace("]]>", "")
    return _TAG.sub(" ", _INLINE.sub("", visible(text)))


def visible(text: str) -> str:
    """Cut comments, scripts and styles out of mark-up; what is never closed reaches to the end."""
    if not _HIDDEN.search(text):
        return text
    lowered = text.lower()
    if len(lowered) != len(text):  # a few capitals become two letters
        lowered = text
    kept = []
    position = 0
    while (opening := _HIDDEN.search(lowered, position)) is not None:
        kept.append(text[position : opening.start()])
        name = opening.group(1)
        end = lowered.find("-->" if name == "!--" else f"</{name}", opening.end())
        if end == -1:
            return " ".join(kept)
        position = lowered.find(">", end) + 1 or len(text)
    kept.append(text[position:])
    return " ".join(kept)


def _unescaped(text: str) -> str:
    # The standard library converts references of any length, in quadratic time or not at all.
    return html.unescape(_LONG_REFERENCE.sub("", text) if "&#" in text else text)


def _scrubbed(text: str) -> str:
    text = _ESCAPE.sub("", text)
    kept = []
    for index, character in enumerate(text):
        if unicodedata.category(character) not in _DROPPED:
            kept.append(character)
        elif character in _JOINERS and 0 < index < len(text) - 1:
            if _joins(text[index - 1], text[index + 1], character):
                kept.append(character)
        elif character.isspace():
            kept.append(" ")
    return _PILE.sub(r"\1", re.sub(f"[{_INVISIBLE}]", "", "".join(kept)))


def _joins(before: str, after: str, joiner: str) -> bool:
    """Tell whether a joiner changes how its neighbours look, rather than hiding in a word."""
    if "\u0600" <= before <= "\u0dff" and "\u0600" <= after <= "\u0dff":
        return True
    symbols = ("So", "Sk", "Mn")
    return (
        joiner == "\u200d"
        and unicodedata.category(before) in symbols
        and unicodedata.category(after) in symbols
    )
