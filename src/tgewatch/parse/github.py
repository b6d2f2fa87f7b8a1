"""Releases of a repository (GitHub REST API, /repos/{owner}/{repo}/releases)."""

from collections.abc import Mapping
from typing import Any

from tgewatch.model import Item
from tgewatch.parse.items import Issue
from tgewatch.parse.posted import listed, make_entry, once, read_document, text_at, time_at


def read_releases(body: bytes, *, source: str, repository: str) -> Issue:
    """Return the releases that are out, previews included; drafts are not. Raises MalformedError."""
    releases = [one for one in listed(read_document(body)) if not one.get("draft")]
    items = once(_item(release, source, repository) for release in releases)
    return Issue(items, title=f"{repository} releases")


def _item(release: Mapping[str, Any], source: str, repository: str) -> Item | None:
    identity = text_at(release, "id")
    tag = text_at(release, "tag_name")
    name = text_at(release, "name") or tag
    project = repository.rpartition("/")[2]
    return make_entry(
        source=source,
        identity=f"github release {identity}" if identity else "",
        url=text_at(release, "html_url") or f"https://github.com/{repository}/releases/tag/{tag}",
        title=name if project.lower() in name.lower() else f"{project} {name}",
        text=text_at(release, "body"),
        published=time_at(release, "published_at") or time_at(release, "created_at"),
        author=text_at(release, "author", "login"),
    )
