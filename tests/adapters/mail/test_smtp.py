"""Handing letters to mail servers over real sockets."""

from __future__ import annotations

import pytest
from connector.adapters.mail.smtp import ADAPTER, Settings
from connector.core.errors import ConfigError, RejectedError, TransientError
from pydantic import ValidationError

from .conftest import letter


def test_a_letter_arrives_as_it_was_written(mailbox, opened):
    """The server gets the letter from the sender for the one recipient, whole, dots at line starts included."""
    opened(mailbox.port).send(letter())
    (kept,) = mailbox.messages
    assert (kept.sender, kept.recipients) == ("news@example.com", ["ada@example.com"])
    assert kept.plain()["text"].replace("\r\n", "\n") == "Hello,\n\n.\n\nGrüße\n"
    assert kept.parsed["From"] == "Example News <news@example.com>"
    assert kept.parsed["Date"].datetime == letter().date
    assert kept.parsed["Auto-Submitted"] == "auto-generated"


def test_the_bytes_are_the_same_twice(mailbox, opened):
    """Sent again after a crash, a letter is the same to the byte."""
    for _ in range(2):
        opened(mailbox.port).send(letter())
    first, second = mailbox.messages
    assert first.raw == second.raw


def test_an_odd_address_reaches_nobody_else(mailbox, opened):
    """A comma in an address does not make it two recipients."""
    opened(mailbox.port).send(letter("a,eve@example.com"))
    (kept,) = mailbox.messages
    assert kept.recipients == ['"a,eve"@example.com']


def test_an_address_beyond_ascii(mailbox, scripted, opened):
    """A local part beyond ASCII goes by SMTPUTF8; where the server lacks that, this letter alone is refused."""
    opened(mailbox.port).send(letter("grüße@xn--mller-kva.example"))
    (kept,) = mailbox.messages
    assert kept.recipients == ["grüße@xn--mller-kva.example"]
    assert kept.raw.decode().count("grüße@") == 1
    poor = scripted()
    mailer = opened(poor.port)
    with pytest.raises(RejectedError, match="SMTPUTF8"):
        mailer.send(letter("grüße@example.com"))
    mailer.send(letter())
    assert poor.connections == 1


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_secured(security, certificate, listening, opened):
    """By STARTTLS or TLS a letter arrives, over a certificate that the tenant's CA file vouches for, and no other."""
    box = listening(tls=certificate.context, implicit=security == "tls")
    mailer = opened(box.port, certificate.file, security=security)
    assert "without a login" in mailer.check()
    mailer.send(letter())
    assert len(box.messages) == 1
    with pytest.raises(ConfigError, match="certificate"):
        opened(box.port, security=security).send(letter())


def test_logged_in(certificate, listening, opened):
    """A right login is taken, and a wrong one is a person's to mend."""
    box = listening(user="connector", password="secret", tls=certificate.context)
    login = {"security": "starttls", "user": "connector"}
    mailer = opened(box.port, certificate.file, password="secret", **login)
    assert "takes our login" in mailer.check()
    mailer.send(letter())
    for wrong in ({**login, "password": "wrong"}, {"security": "starttls"}):
        with pytest.raises(ConfigError, match="login"):
            opened(box.port, certificate.file, **wrong).send(letter())
    assert len(box.messages) == 1


def test_never_falls_back_to_plain_text(mailbox, opened):
    """A server without STARTTLS, or without TLS on its port, gets no letter and a person is told."""
    for security in ("starttls", "tls"):
        with pytest.raises(ConfigError):
            opened(mailbox.port, security=security).send(letter())
    assert mailbox.messages == []


def test_a_ca_file_that_is_none(mailbox, opened, tmp_path):
    """A CA file that is missing or no certificate is named as what to mend."""
    (tmp_path / "empty.pem").write_text("nothing")
    for name in ("empty.pem", "missing.pem"):
        with pytest.raises(ConfigError, match="ca_bundle"):
            opened(mailbox.port, tmp_path / name, security="starttls").send(letter())


@pytest.mark.parametrize(
    ("answers", "family", "status"),
    [
        ({"rcpt": ["550 5.1.1 <ada@example.com> unknown"]}, RejectedError, 550),
        ({"rcpt": ["451 4.7.1 greylisted"]}, TransientError, 451),
        ({"rcpt": ["554 5.7.1 Relay access denied"]}, ConfigError, 554),
        ({"rcpt": ["530 5.7.0 Authentication required"]}, ConfigError, 530),
        ({"mail": ["553 5.7.1 not owned by user"]}, ConfigError, 553),
        ({"mail": ["452 4.3.1 no space"]}, TransientError, 452),
        ({"mail": ["550 5.4.5 Daily sending quota exceeded"]}, TransientError, 550),
        ({"data": ["554 5.7.1 spam"]}, RejectedError, 554),
        ({"end": ["552 5.3.4 too big"]}, RejectedError, 552),
        ({"end": ["451 4.3.0 later"]}, TransientError, 451),
        ({"end": ["cut"]}, TransientError, None),
        ({"data": ["cut"]}, TransientError, None),
        ({"greeting": ["554 no service"]}, TransientError, None),
        ({"greeting": ["cut"]}, TransientError, None),
    ],
)
def test_what_an_answer_means(scripted, opened, answers, family, status):
    """Each refusal comes as the family that says what to do next, with the server's words and without the address."""
    with pytest.raises(family) as caught:
        opened(scripted(**answers).port).send(letter())
    assert caught.value.status == status
    assert "ada" not in caught.value.operator + caught.value.log


def test_one_refused_letter_leaves_the_connection_good(scripted, opened):
    """After a refusal the next letter goes over the same connection."""
    server = scripted(rcpt=["550 no"])
    mailer = opened(server.port)
    with pytest.raises(RejectedError):
        mailer.send(letter())
    mailer.send(letter("bo@example.com"))
    assert server.connections == 1
    assert server.heard.count("RSET") + server.heard.count("rset") == 1


@pytest.mark.parametrize("stale", ["421 too many messages on this connection", "cut"])
def test_a_stale_connection_is_opened_anew(scripted, opened, stale):
    """A connection that was closed between two letters costs nothing: the letter goes once over a new one."""
    server = scripted(mail=["250 ok", stale])
    mailer = opened(server.port)
    mailer.send(letter())
    mailer.send(letter("bo@example.com"))
    assert server.connections == 2
    assert sum(line.upper() == "DATA" for line in server.heard) == 2


def test_a_lost_answer_is_not_sent_again_at_once(mailbox, opened):
    """Where the connection breaks after the letter was handed over, nothing is repeated here: the run decides."""
    mailer = opened(mailbox.port)
    mailer.send(letter())
    mailbox.fail_next.append("cut_after")
    with pytest.raises(TransientError):
        mailer.send(letter("bo@example.com"))
    assert len(mailbox.messages) == 2


def test_nobody_answers(opened, scripted):
    """No server, and one that never answers, are troubles that may pass, named by host and port."""
    gone = scripted()
    gone.stop()
    with pytest.raises(TransientError, match=f"127.0.0.1:{gone.port}"):
        opened(gone.port).check()


def test_a_login_that_fails_for_now(scripted, opened):
    """A login server that is down for the moment is no wrong password."""
    busy = ["250-hello\r\n250 AUTH PLAIN", "250-hello\r\n250 AUTH PLAIN"]
    server = scripted(ehlo=busy, auth=["454 4.7.0 try later"])
    with pytest.raises(TransientError):
        opened(server.port, user="connector", password="secret").send(letter())


@pytest.mark.parametrize(
    "values",
    [
        {"host": "smtp.example.com", "security": "none"},
        {"sender": "no address"},
        {"sender": "news@example.com\r\nBcc: eve@example.com"},
        {"sender": "grüße@example.com"},
        {"user": "connector"},
        {"password": "secret"},
        {"port": 0},
        {"hots": "x"},
    ],
)
def test_settings_that_are_refused(values):
    """Plain text beyond loopback, a sender that is none, half a login and unknown keys are refused."""
    with pytest.raises(ValidationError) as caught:
        Settings.model_validate({"host": "127.0.0.1", "sender": "news@example.com"} | values)
    assert "secret" not in str(caught.value)


def test_settings_that_are_taken():
    """A sender's domain beyond ASCII becomes its A-label, and every loopback address takes plain text."""
    values = {"host": "127.0.0.2", "security": "none", "sender": "Acme@Müller.example"}
    assert ADAPTER.Settings.model_validate(values).sender == "Acme@xn--mller-kva.example"
