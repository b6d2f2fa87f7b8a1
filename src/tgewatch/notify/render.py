"""A notice as text: plain, brief, HTML, Markdown, and for the terminal."""

import html as markup
from collections.abc import Iterator
from datetime import UTC, tzinfo

from rich.text import Text

from tgewatch.model import Contribution, Link, Notice
from tgewatch.notify.words import bounded, defang, escaped, inert, safe_url
from tgewatch.rules.dates import shown

PLAIN_LIMIT = 1_500
"""Characters; the narrowest chat service takes 2,000."""
BRIEF_LIMIT = 150
TITLE_LIMIT = 100
LINES = 40

TERMINAL_LINKS = 2
"""Pieces of evidence that fit an alert on a terminal; a command shows the rest."""

_COLOURS = {
    "live": "bold green",
    "claim_open": "bold green",
    "dated": "bold cyan",
    "announced": "bold cyan",
    "redated": "bold yellow",
    "postponed": "bold yellow",
    "cancelled": "bold red",
    "broken": "bold red",
    "gone": "bold red",
    "silent": "bold yellow",
    "slow": "bold yellow",
}


def title(notice: Notice) -> str:
    """Return a subject line: `[redated] Curvance (CURV)`."""
    change = notice.change.replace("_", " ")
    ticker = notice.ticker if notice.ticker.casefold() != notice.project.casefold() else ""
    name = f"{notice.project} ({ticker})" if ticker else notice.project
    return bounded(inert(f"[{change}] {name}"), TITLE_LIMIT)


def plain(notice: Notice, zone: tzinfo = UTC, *, limit: int = PLAIN_LIMIT) -> str:
    """Return the notice as lines of text without mark-up that any service would act upon.

    Whole lines are left out before one is cut; the headline always stands.
    """
    lines = [
        inert(notice.headline),
        *(f"{name}: {inert(text)}" for name, text in _facts(notice, zone)),
        *(f"- {_plain_link(link)}" for link in notice.links),
    ]
    return _within(lines, limit)


def brief(notice: Notice, *, limit: int = BRIEF_LIMIT) -> str:
    """Return the headline and the first link, for services that take little."""
    head = inert(notice.headline)
    where = _address(notice.links[0]) if notice.links else ""
    if where and len(head) + 1 + len(where) <= limit:
        return f"{head} {where}"
    return bounded(head, limit)


def markdown(notice: Notice, zone: tzinfo = UTC, *, limit: int = PLAIN_LIMIT) -> str:
    """Return the notice in Markdown; words of others are escaped."""
    lines = [
        f"**{escaped(notice.headline)}**",
        "",
        *(f"- {name}: {escaped(text)}" for name, text in _facts(notice, zone)),
        *(f"- {_markdown_link(link)}" for link in notice.links),
    ]
    return _within(lines, limit)


def html(notice: Notice, zone: tzinfo = UTC, *, limit: int = PLAIN_LIMIT * 2) -> str:
    """Return the notice as a fragment of HTML; words of others are escaped.

    Elements are left out whole to stay within `limit`, never cut.
    """
    facts = [
        f"<li>{markup.escape(name)}: {markup.escape(text)}</li>"
        for name, text in _facts(notice, zone)
    ]
    links = [f"<li>{_html_link(link)}</li>" for link in notice.links]
    head = f"<p><strong>{markup.escape(notice.headline)}</strong></p>"
    room = limit - len(head) - len("<ul></ul>")
    kept: list[str] = []
    for item in (*facts, *links):
        room -= len(item)
        if room < 0:
            break
        kept.append(item)
    return f"{head}<ul>{''.join(kept)}</ul>" if kept else head


def terminal(notice: Notice, zone: tzinfo = UTC) -> Text:
    """Return the notice for a terminal, as spans and not as mark-up to be parsed."""
    text = Text(overflow="fold")
    text.append(f"{notice.change.replace('_', ' ')} ", style=_COLOURS.get(notice.change, "bold"))
    text.append(notice.headline)
    for name, fact in _facts(notice, zone):
        text.append(f"\n  {name}: ", style="dim")
        text.append(fact, style="red" if name in ("Warning", "Sources disagree") else "")
    for link in notice.links[:TERMINAL_LINKS]:
        text.append("\n  - ", style="dim")
        where = safe_url(link.url) if not link.suspicious else ""
        text.append(_plain_link(link), style=f"link {where}" if where else "")
    if notice.event and len(notice.links) > TERMINAL_LINKS:
        text.append(f"\n  more: tgewatch events show {notice.event}", style="dim")
    text.append("\n")
    return text


def _facts(notice: Notice, zone: tzinfo) -> Iterator[tuple[str, str]]:
    if notice.subject != "event":
        return
    if notice.company and notice.company.casefold() != notice.project.casefold():
        yield "Company", notice.company
    if notice.kind:
        yield "Kind", f"{notice.kind.replace('_', ' ')} (now {notice.state})"
    if notice.date is not None:
        before = notice.date_before
        was = f" (before: {shown(before, zone)})" if before is not None else ""
        yield "Date", f"{shown(notice.date, zone)}{was}"
    elif notice.date_before is not None:
        yield "Date", f"open (before: {shown(notice.date_before, zone)})"
    sources = (
        "1 independent source" if notice.sources == 1 else f"{notice.sources} independent sources"
    )
    yield "Score", f"{notice.score:.2f} from {sources}"
    if notice.why:
        yield "Because", "; ".join(map(_reason, notice.why))
    if notice.conflict:
        yield "Sources disagree", notice.conflict
    if notice.note:
        yield "Note", notice.note
    for flag in notice.flags:
        yield "Warning", f"{flag.name.replace('_', ' ')}: {flag.detail}"


def _reason(why: Contribution) -> str:
    words = f' "{why.detail}"' if why.detail else ""
    return f"{why.name.replace('_', ' ')}{words} ({why.value:+.1f})"


def _address(link: Link) -> str:
    """Return the address as it may be shown: defanged unless it is safe to follow."""
    where = "" if link.suspicious else safe_url(link.url)
    return where or inert(defang(link.url))


def _plain_link(link: Link) -> str:
    return f"{inert(link.source)}: {inert(link.title)} {_address(link)}".strip()


def _markdown_link(link: Link) -> str:
    where = "" if link.suspicious else safe_url(link.url)
    words = escaped(link.title or link.source)
    if where:
        address = where.replace("(", "%28").replace(")", "%29")
        return f"{escaped(link.source)}: [{words}]({address})"
    return f"{escaped(link.source)}: {words} {escaped(defang(link.url))}"


def _html_link(link: Link) -> str:
    where = "" if link.suspicious else safe_url(link.url)
    words = markup.escape(link.title or link.source)
    source = markup.escape(link.source)
    if where:
        return f'{source}: <a href="{markup.escape(where)}" rel="noopener noreferrer">{words}</a>'
    return f"{source}: {words} {markup.escape(defang(link.url))}"


def _within(lines: list[str], limit: int) -> str:
    kept = [bounded(lines[0], limit)]
    room = limit - len(kept[0])
    for line in lines[1:LINES]:
        room -= len(line) + 1
        if room < 0:
            break
        kept.append(line)
    return "\n".join(kept)
