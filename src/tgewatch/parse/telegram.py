"""Public channels of Telegram, as t.me shows them to the web."""

import re
from typing import Any

from lxml import etree, html

from tgewatch.errors import MalformedError
from tgewatch.model import Item
from tgewatch.parse.charset import to_utf8
from tgewatch.parse.items import Issue
from tgewatch.parse.posted import POSTS, SUMMARY, make_post, once, with_links
from tgewatch.parse.text import clean, plain_text
from tgewatch.parse.timestamps import parse_timestamp

MAX_BYTES = 5_000_000
_POST = re.compile(r"(?P<channel>[A-Za-z]\w{3,31})/(?P<number>[0-9]{1,12})", re.ASCII)
_BREAK = re.compile(r"<br\s*/?>", re.IGNORECASE)


def read_telegram(
    body: bytes, *, source: str, content_type: str = "text/html; charset=utf-8"
) -> Issue:
    """Return the messages on a channel's page, newest first.

    Messages of the service (pinned, renamed) and those without text are left out; forwarded ones
    stay, as the channel passes them on. Raises MalformedError: no_text for a channel that shows
    nothing to the web, not_html or too_complex for what is no page.
    """
    if len(body) > MAX_BYTES:
        raise MalformedError("a page of more than 5 MB", cause="too_complex")
    page = _page(body, content_type)
    messages = page.xpath("//*[@data-post]")[:POSTS]
    if not messages and not _of_class(page, "tgme_channel_history"):
        raise MalformedError("the channel shows nothing to the web", cause="no_text")
    title = next((_text(one) for one in _of_class(page, "tgme_channel_info_header_title")), "")
    return Issue(once(_item(one, source) for one in reversed(messages)), title=clean(title, 200))


def earliest(issue: Issue) -> tuple[str, float | None]:
    """Return number and time of the earliest message; empty without any."""
    numbered = [(int(item.url.rpartition("/")[2]), item.published) for item in issue.items]
    if not numbered:
        return "", None
    number, at = min(numbered, key=lambda pair: pair[0])
    return str(number), at


def _page(body: bytes, content_type: str) -> Any:
    try:
        page = html.fromstring(
            to_utf8(body, content_type)[0], parser=html.HTMLParser(encoding="utf-8")
        )
    except (etree.LxmlError, ValueError) as error:
        raise MalformedError(f"no page: {error}", cause="not_html") from error
    return page


def _item(message: Any, source: str) -> Item | None:
    post = _POST.fullmatch(message.get("data-post") or "")
    if post is None or "service_message" in (message.get("class") or "").split():
        return None
    texts = [
        one
        for one in _of_class(message, "tgme_widget_message_text")
        if not any(_has(up, "tgme_widget_message_reply") for up in one.iterancestors())
        and not _has(one, "js-message_reply_text")
    ]
    links = [link for one in texts for link in one.xpath(".//a/@href")[:20]]
    return make_post(
        source=source,
        identity=f"telegram {post['channel'].lower()}/{post['number']}",
        url=f"https://t.me/{post['channel']}/{post['number']}",
        text=with_links(" ".join(_text(one) for one in texts), map(str, links)),
        published=_time(message),
        author=f"t.me/{post['channel']}",
    )


def _time(message: Any) -> float | None:
    for stamp in message.xpath(
        ".//*[contains(@class, 'tgme_widget_message_date')]//time/@datetime"
    ):
        return parse_timestamp(str(stamp))
    return None


def _text(element: Any) -> str:
    markup = etree.tostring(element, encoding="unicode", method="html", with_tail=False)
    return plain_text(_BREAK.sub(" ", markup), SUMMARY)


def _of_class(element: Any, name: str) -> list[Any]:
    path = f".//*[contains(concat(' ', normalize-space(@class), ' '), ' {name} ')]"
    return list(element.xpath(path))


def _has(element: Any, name: str) -> bool:
    return name in (element.get("class") or "").split()
