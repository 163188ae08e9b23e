"""`$batch` in both of its shapes, without a wire."""

from __future__ import annotations

import pytest
from connector.adapters.crm.dynamics.web_api_batch import Part, answers, composed

KIND = 'multipart/mixed; boundary="batchresponse_1"'
GONE = '{"error":{"code":"0x80040217","message":"contact With Id = 1 Does Not Exist"}}'


def part(status, body=""):
    """One answer."""
    headers = (
        "Content-Type: application/json; odata.metadata=minimal\r\nOData-Version: 4.0" if body else "OData-Version: 4.0"
    )
    return f"Content-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n\r\nHTTP/1.1 {status}\r\n{headers}\r\n\r\n{body}\r\n"


def batch(*parts):
    """A whole answer."""
    return "".join(f"--batchresponse_1\r\n{p}" for p in parts) + "--batchresponse_1--\r\n"


@pytest.mark.parametrize("newline", ["\r\n", "\n"])
def test_an_answer_for_each(newline):
    """Answers come in their order with status and words, whatever ends the lines."""
    text = batch(part("204 No Content"), part("404 Not Found", GONE), part("204 No Content"))
    found = answers(KIND, text.replace("\r\n", newline).encode())
    assert [(a.status, a.error.code) for a in found] == [(204, ""), (404, "0x80040217"), (204, "")]
    assert "Does Not Exist" in found[1].error.message


def test_answers_inside_change_sets():
    """An answer that lies in a change set of its own is found there."""
    inner = f"--changesetresponse_2\r\nContent-ID: 1\r\n{part('204 No Content')}--changesetresponse_2--\r\n"
    nested = f'Content-Type: multipart/mixed; boundary="changesetresponse_2"\r\n\r\n{inner}'
    found = answers(KIND, batch(nested, part("412 Precondition Failed", GONE)).encode())
    assert [a.status for a in found] == [204, 412]


@pytest.mark.parametrize("body", ["<html>no</html>", batch("Content-Type: application/http\r\n\r\nnothing\r\n")])
def test_what_is_no_answer_is_none(body):
    """A page of somebody in between, or a part without a status, is no answer of a batch."""
    with pytest.raises(ValueError, match="no"):
        answers("text/html" if "html" in body else KIND, body.encode())


def test_an_error_without_words():
    """A refused part whose body is no error body is still refused."""
    [found] = answers(KIND, batch(part("500 Internal Server Error", "oops")).encode())
    assert (found.status, found.error.message) == (500, "no reason given")


def test_every_request_has_its_condition():
    """No PATCH goes without its condition, and the last boundary ends the batch."""
    text = composed(
        [Part("/api/data/v9.2/contacts(1)", b'{"a":1}'), Part("/x", b"{}")], "batch_1", "If-Match: *"
    ).decode()
    assert text.count("If-Match: *\r\n") == text.count("PATCH ") == 2
    assert "PATCH /api/data/v9.2/contacts(1) HTTP/1.1\r\n" in text
    assert text.endswith("--batch_1--\r\n")
