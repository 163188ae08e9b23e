"""The signup form."""

from __future__ import annotations

from dataclasses import replace

import pytest
from connector.core.resubscribe import Origin
from connector.core.said import Kind
from connector.core.suppression import Reason
from connector.web.form import judged

from .page import Page


def test_the_form_is_labelled(web):
    """Every control has its label, the boxes have their legend, and the page has its language and its main part."""
    answer = web.get("signup")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
    page = Page(answer.text)
    assert page.one("html").attributes["lang"] == "en"
    assert page.one("main").text
    assert page.one("h1").text == "Get our mail"
    labels = {label.attributes.get("for"): label.text.strip() for label in page.all("label")}
    assert labels[page.one("input", type="email").attributes["id"]] == "Your e-mail address"
    boxes = [label.text.strip() for label in page.all("label") if "for" not in label.attributes]
    assert boxes == ["News", "Offers & <more>"]
    assert len(page.all("input", type="checkbox")) == len(boxes)
    assert page.one("legend").text
    assert page.one("button").text == "Sign up"
    assert "width=device-width" in (page.one("meta", name="viewport").attributes["content"] or "")


@pytest.mark.requirement("S29", "S20")
def test_a_form_is_an_ask(web):
    """A sent form is one ask of that address with the lists that were ticked and are offered."""
    answer = web.sign_up(" Ada@EXAMPLE.com ", "News", "All contacts", "no such list")
    assert answer.status_code == 200
    (said,) = web.said()
    assert (said.kind, said.origin, said.lists) == (Kind.ASK, Origin.FORM, frozenset({"News"}))
    assert said.at == web.clock.now()
    assert list(web.door.addresses.values()) == ["ada@example.com"]
    assert Page(answer.text).role("status")


@pytest.mark.requirement("N20")
def test_the_same_answer_for_everybody(web):
    """The answer does not tell whether an address is known, blocked, reported or new."""
    web.platform.suppress("blocked@example.com", Reason.UNSUBSCRIBED, web.clock.now())
    web.platform.suppress("abused@example.com", Reason.ABUSE, web.clock.now())
    people = ["blocked@example.com", "abused@example.com", "nobody@example.com"]
    answers = [web.sign_up(person) for person in people]
    assert {a.status_code for a in answers} == {200}
    assert len({a.text.replace(p, "") for a, p in zip(answers, people, strict=True)}) == 1


@pytest.mark.parametrize(
    "typed", ["", "ada", "ada@", "a b@example.com", "ada@example", "x" * 300, "ada@example.com\0", "<b>@x"]
)
def test_what_is_no_address(web, typed):
    """What is no address is refused on the form, which keeps what was typed and ticked, and nothing is asked."""
    answer = web.sign_up(typed, "News")
    page = Page(answer.text)
    assert answer.status_code == 422
    email = page.one("input", type="email").attributes
    assert (email["aria-invalid"], email["aria-describedby"]) == ("true", "problem")
    assert email["value"] == typed.strip()
    assert page.role("alert")
    assert [box.attributes["value"] for box in page.all("input", type="checkbox") if "checked" in box.attributes] == [
        "News"
    ]
    assert web.said() == []


@pytest.mark.parametrize(
    ("typed", "normal"),
    [
        ("Ada@Example.COM", "ada@example.com"),
        ("ada+tag@sub.example.test", "ada+tag@sub.example.test"),
        ("ada@somewhere.example", "ada@somewhere.example"),
        ("grüße@müller.example", "grüße@xn--mller-kva.example"),
        ("o'neil@example.org", "o'neil@example.org"),
        ("Ada <ada@example.com>", None),
        ("ada@localhost", None),
        ("ada@[127.0.0.1]", None),
        ("a..b@example.com", None),
        ("ada@example.com,bo@example.com", None),
    ],
)
def test_how_our_own_door_judges(typed, normal):
    """Our own door is strict about form, takes names that are for tests, and asks no DNS."""
    assert judged(typed) == normal


def test_too_often_for_one_address(web):
    """A sixth form within the hour for the same address, however it is written, is told to wait, and asks nothing."""
    for _ in range(5):
        assert web.sign_up("ada@example.com").status_code == 200
    answer = web.sign_up("ADA@example.com")
    assert answer.status_code == 429
    assert answer.headers["retry-after"] == "3600"
    assert "60 minutes" in Page(answer.text).role("alert")[0]
    assert len(web.said()) == 5
    assert web.sign_up("bo@example.com").status_code == 200
    web.clock.sleep(3600)
    assert web.sign_up("ada@example.com").status_code == 200


def test_too_often_from_one_client(web):
    """The twenty-first form from one place within ten minutes is told to wait, whatever it says."""
    for n in range(20):
        web.sign_up(f"person{n}@example.com")
    answer = web.sign_up("ada@example.com", headers={"X-Forwarded-For": "203.0.113.9"})
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "600")
    web.clock.sleep(600)
    assert web.sign_up("ada@example.com").status_code == 200


def test_behind_a_proxy(proxied):
    """Behind a trusted proxy, clients are told apart by the right-most address that is no proxy."""
    for n in range(20):
        proxied.sign_up(f"person{n}@example.com", headers={"X-Forwarded-For": f"192.0.2.{n}, 203.0.113.9, 10.1.2.3"})
    again = {"X-Forwarded-For": "198.51.100.1, 203.0.113.9"}
    assert proxied.sign_up("ada@example.com", headers=again).status_code == 429
    other = {"X-Forwarded-For": "203.0.113.9, 198.51.100.1"}
    assert proxied.sign_up("ada@example.com", headers=other).status_code == 200


def test_a_database_that_refuses(web):
    """Where nothing could be stored, the form says so, keeps what was typed and ticked, and names a time."""
    web.refuse()
    answer = web.sign_up("ada@example.com", "News")
    page = Page(answer.text)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "60")
    assert "nothing was stored" in page.role("alert")[0]
    assert page.one("input", type="email").attributes["value"] == "ada@example.com"
    assert any("checked" in box.attributes for box in page.all("input", type="checkbox"))


def test_a_form_without_lists(web):
    """A form that offers no list has no boxes."""
    web.site = replace(web.site, lists=(), intro="")
    page = Page(web.get("signup").text)
    assert not page.all("fieldset")


def test_what_the_form_promises(web):
    """The form says that nothing changes before the answer only where that is so."""
    assert "nothing changes" in web.get("signup").text
    assert "nothing changes" in web.sign_up("ada@example.com").text
    web.site = replace(web.site, confirms=False)
    assert "nothing changes" not in web.get("signup").text
    assert "nothing changes" not in web.sign_up("ada@example.com").text


def test_words_are_shown_as_written(web):
    """Whatever brand, lists or people say, it is text and never HTML."""
    web.site = replace(web.site, brand="<script>alert(1)</script>", lists=('"><script>',))
    for answer in (web.get("signup"), web.sign_up("'\"><script>"), web.sign_up("ada@example.com")):
        assert not Page(answer.text).all("script")


@pytest.mark.parametrize("body", [b"x" * 20_000, b"a&" * 300])
def test_a_form_that_nobody_fills_in(web, body):
    """A body too large, or of too many fields, is refused in words and asks nothing."""
    answer = web.post("signup", body)
    assert answer.status_code == 413
    assert Page(answer.text).one("h1").text
    assert web.said() == []


def test_a_body_that_is_no_form(web):
    """Bytes that are no form, or no text, are a form without an address."""
    for body in (b"\xff\xfe\x00", b"email=%FF%FE", b"=&&=", b'{"email": "ada@example.com"}'):
        assert web.post("signup", body).status_code == 422
