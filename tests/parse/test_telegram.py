import pytest

from tgewatch.errors import MalformedError
from tgewatch.parse.telegram import earliest, read_telegram

SOURCE = "https://t.me/example"


def message(number=7, text="The TGE is on 5 May<br/>See <a href='https://example.com/tge'>here</a>",
            *, more="", css="", date="2026-05-01T10:00:00+00:00"):  # fmt: skip
    words = f'<div class="tgme_widget_message_text js-message_text">{text}</div>' if text else ""
    return (
        f'<div class="tgme_widget_message_wrap"><div class="tgme_widget_message {css}"'
        f' data-post="example/{number}">{more}{words}<div class="tgme_widget_message_footer">'
        f'<a class="tgme_widget_message_date" href="https://t.me/example/{number}">'
        f'<time datetime="{date}">10:00</time></a></div></div></div>'
    )


def read(*messages):
    page = (
        "<!DOCTYPE html><html><head><meta charset='utf-8'></head><body>"
        '<div class="tgme_channel_info_header_title"><span>Example News</span></div>'
        f'<section class="tgme_channel_history js-message_history">{"".join(messages)}</section>'
        "</body></html>"
    )
    return read_telegram(page.encode(), source=SOURCE)


def test_a_message_becomes_an_item_with_its_address():
    issue = read(message())
    (item,) = issue.items
    assert item.title == "The TGE is on 5 May See here https://example.com/tge"
    assert (item.url, item.kind, item.author) == ("https://t.me/example/7", "post", "t.me/example")
    assert item.published == 1_777_629_600.0
    assert issue.title == "Example News"


def test_messages_come_newest_first():
    assert [item.url[-1] for item in read(message(7), message(8)).items] == ["8", "7"]


def test_what_is_answered_is_not_what_is_said():
    reply = (
        '<a class="tgme_widget_message_reply"><div class="tgme_widget_message_text '
        'js-message_reply_text">old words</div></a>'
    )
    assert read(message(text="new words", more=reply)).items[0].title == "new words"


def test_forwarded_messages_stay_and_the_services_own_and_empty_ones_do_not():
    forwarded = '<div class="tgme_widget_message_forwarded_from">Forwarded from Other</div>'
    assert len(read(message(more=forwarded)).items) == 1
    assert read(message(css="service_message"), message(text="")).items == ()


def test_a_channel_without_messages_is_empty_and_a_page_without_a_channel_is_no_text():
    assert read().items == ()
    with pytest.raises(MalformedError) as caught:
        read_telegram(b"<html><body><div class='tgme_page'>Join</div></body></html>", source=SOURCE)
    assert caught.value.cause == "no_text"


def test_the_earliest_message_is_where_the_page_before_ends():
    assert earliest(read(message(8), message(7))) == ("7", 1_777_629_600.0)
    assert earliest(read()) == ("", None)


@pytest.mark.parametrize("post", ["", "example", "a/b", "../../x/1", "example/9999999999999"])
def test_a_message_without_an_address_is_none(post):
    page = f'<section class="tgme_channel_history"><div data-post="{post}"><div class="tgme_widget_message_text">x</div></div></section>'
    assert read_telegram(page.encode(), source=SOURCE).items == ()


def test_deep_and_large_pages_are_survived():
    deep = (
        b"<div data-post='example/1'>" + b"<div class='tgme_widget_message_text'>" * 20_000 + b"x"
    )
    assert len(read_telegram(deep, source=SOURCE).items) <= 1
    with pytest.raises(MalformedError):
        read_telegram(b"x" * 5_000_001, source=SOURCE)
