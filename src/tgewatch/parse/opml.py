"""Lists of feeds as OPML 2.0 (opml.org/spec2), in and out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from lxml import etree

from tgewatch.errors import MalformedError
from tgewatch.parse.charset import is_binary, to_utf8
from tgewatch.parse.doctype import read_prolog
from tgewatch.parse.links import web_link
from tgewatch.parse.repair import repair
from tgewatch.parse.text import clean

Element: TypeAlias = etree._Element  # noqa: SLF001 - the element has no public name

MAX_BYTES = 10_000_000
MAX_OUTLINES = 100_000
_TITLE = 500


@dataclass(frozen=True, slots=True)
class Outline:
    """One feed of a list."""

    title: str
    url: str
    folder: str = ""
    """Names of the outlines around it, outermost first, joined by `/`."""
    site: str = ""
    why: str = ""
    """Description, as far as the list gives one."""


def parse_opml(body: bytes) -> tuple[Outline, ...]:
    """Return the feeds of an OPML document in its order; each URL once.

    Outlines without an http(s) `xmlUrl` are folders. Repairs what is nearly well-formed. Raises
    MalformedError: not_opml, entity_bomb, or too_complex beyond `MAX_BYTES` or `MAX_OUTLINES`.
    """
    if len(body) > MAX_BYTES:
        raise MalformedError(f"longer than {MAX_BYTES:,} bytes", cause="too_complex")
    if is_binary(body):
        raise MalformedError("not OPML: the file is binary", cause="not_opml")
    text, _ = to_utf8(body)
    prolog = read_prolog(text)
    if prolog.root < 0 or text[prolog.root : prolog.root + 5].lower() != b"<opml":
        raise MalformedError("not OPML: no <opml> element", cause="not_opml")
    if text.count(b"<") > MAX_OUTLINES * 2:
        raise MalformedError(f"more than {MAX_OUTLINES:,} outlines", cause="too_complex")
    root = _tree(text[prolog.root :], prolog.entities)
    found: dict[str, Outline] = {}
    folders: dict[Element | None, str] = {}
    for element in root.iter("outline"):
        around = folders.get(element.getparent(), "")
        attributes = {str(name).lower(): str(value) for name, value in element.items()}
        title = clean(attributes.get("title") or attributes.get("text") or "", _TITLE)
        url = web_link(attributes.get("xmlurl", ""))
        if url:
            site = web_link(attributes.get("htmlurl", ""))
            why = clean(attributes.get("description", ""), _TITLE)
            found.setdefault(url, Outline(title or url, url, around, site, why))
        if len(element):
            name = title.replace("/", "-")
            folders[element] = f"{around}/{name}".strip("/")[:_TITLE]
    return tuple(found.values())


def _tree(text: bytes, entities: Mapping[bytes, bytes]) -> Element:
    parser = etree.XMLParser(
        encoding="utf-8", resolve_entities=False, no_network=True, huge_tree=False
    )
    try:
        return etree.fromstring(text, parser)
    except etree.XMLSyntaxError:
        pass
    try:
        return etree.fromstring(repair(text, entities), parser)
    except etree.XMLSyntaxError as error:
        raise MalformedError(
            f"not OPML: {clean(error.msg or '', 150)}", cause="not_opml"
        ) from error


def write_opml(outlines: Sequence[Outline], *, title: str = "tgewatch") -> bytes:
    """Return an OPML 2.0 document with one outline for each feed, in folders."""
    root = etree.Element("opml", version="2.0")
    head = etree.SubElement(root, "head")
    etree.SubElement(head, "title").text = clean(title, _TITLE)
    body = etree.SubElement(root, "body")
    folders: dict[str, Element] = {"": body}
    for outline in outlines:
        parent = _folder(folders, outline.folder)
        name = clean(outline.title, _TITLE) or outline.url
        attributes = {"type": "rss", "text": name, "title": name, "xmlUrl": outline.url}
        if outline.site:
            attributes["htmlUrl"] = outline.site
        if outline.why:
            attributes["description"] = clean(outline.why, _TITLE)
        etree.SubElement(parent, "outline", attributes)
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8", pretty_print=True)


def _folder(folders: dict[str, Element], path: str) -> Element:
    """Return the element of a folder, made with all that are around it."""
    path = path.strip("/")
    if path not in folders:
        around, _, name = path.rpartition("/")
        name = clean(name, _TITLE)
        folders[path] = etree.SubElement(_folder(folders, around), "outline", text=name, title=name)
    return folders[path]
