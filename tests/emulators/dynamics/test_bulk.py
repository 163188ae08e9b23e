"""UpdateMultiple and `$batch`: what is taken back, what is told of each request, in which forms."""

from __future__ import annotations

import json
from email import message_from_bytes
from urllib.parse import quote

import pytest

CONTINUE = "odata.continue-on-error"
NEW = "11111111-2222-4333-8444-555555555555"


def target(id_: str, **values) -> dict:
    """One item of a bulk message."""
    return {"@odata.type": "Microsoft.Dynamics.CRM.contact", "contactid": id_, **values}


def update_multiple(world, targets: list, table: str = "contacts"):
    """The bulk message."""
    return world.call("POST", f"{table}/Microsoft.Dynamics.CRM.UpdateMultiple", json={"Targets": targets})


def test_many_rows_at_once(world):
    """UpdateMultiple writes every row and answers without a body."""
    ids = [world.contact(f"n{n}@x.com") for n in range(3)]
    answer = update_multiple(world, [target(id_, donotbulkemail=True) for id_ in ids])
    assert (answer.status_code, answer.content) == (204, b"")
    assert all(world.row("contact", id_)["donotbulkemail"] for id_ in ids)


@pytest.mark.parametrize(
    ("bad", "status", "code"),
    [
        (target(NEW, donotbulkemail=True), 404, "0x80040217"),
        ({"contactid": NEW}, 400, "0x80048d19"),
        (target("", donotbulkemail=True), 400, "0x80040203"),
        (target(NEW) | {"@odata.type": "Microsoft.Dynamics.CRM.lead"}, 404, "0x80040217"),
    ],
)
def test_one_bad_row_takes_all_back(world, bad, status, code):
    """A missing row, or an item without its type or id, leaves every other row as it was, its etag too."""
    id_ = world.contact()
    etag = world.etag(f"contacts({id_})")
    answer = update_multiple(world, [target(id_, donotbulkemail=True), bad])
    assert world.code(answer) == (status, code)
    assert world.etag(f"contacts({id_})") == etag


def test_a_rolled_back_call_leaves_no_trace(world):
    """After a plug-in refused the second row, neither rows, nor the log, nor a delta tell of the first."""
    first, second = world.contact("a@x.com"), world.contact("b@x.com")
    link = world.got("contacts?$select=donotbulkemail", prefer="odata.track-changes")["@odata.deltaLink"]
    world.control("refuse", id=second)
    writes = len(world.env.writes)
    answer = update_multiple(world, [target(first, donotbulkemail=True), target(second, donotbulkemail=True)])
    assert world.code(answer) == (400, "0x80040265")
    assert (world.row("contact", first)["donotbulkemail"], len(world.env.writes)) == (False, writes)
    assert world.got(link)["value"] == []


def test_who_has_bulk_messages(world, old):
    """sdkmessagefilters names the tables that take UpdateMultiple: notes do not, and on premises nothing does."""
    question = (
        "sdkmessagefilters?$select=sdkmessagefilterid"
        "&$filter=sdkmessageid/name eq @m and primaryobjecttypecode eq @t&@m='UpdateMultiple'&@t='{}'"
    )
    assert len(world.got(question.format("contact"))["value"]) == 1
    assert world.got(question.format("annotation"))["value"] == []
    assert old.got(question.format("contact"))["value"] == []
    assert update_multiple(world, [target(NEW)], "annotations").status_code == 404
    assert update_multiple(old, [target(NEW)]).status_code == 404


def test_create_multiple(world):
    """CreateMultiple answers with the new rows' ids in order; one duplicate makes none of them."""
    items = [{"@odata.type": "Microsoft.Dynamics.CRM.contact", "lastname": f"n{n}"} for n in range(2)]
    url = "contacts/Microsoft.Dynamics.CRM.CreateMultiple"
    ids = world.call("POST", url, json={"Targets": items}).json()["Ids"]
    assert [world.row("contact", id_)["lastname"] for id_ in ids] == ["n0", "n1"]
    answer = world.call("POST", url, json={"Targets": [*items, target(ids[0])]})
    assert (answer.status_code, len(world.env.tables["contact"].cells)) == (412, 2)


# -- $batch ----------------------------------------------------------------------------------------------------------


def part(
    world, method: str, path: str, body: dict | None = None, *, end: str = "\r\n", id_: str = "", headers=()
) -> str:
    """One request inside a batch; a path is put below the service's root."""
    url = path if path.startswith(("http", "/", "$")) else f"{world.base.removeprefix(world.url)}/{path}"
    lines = ["Content-Type: application/http", "Content-Transfer-Encoding: binary"]
    lines += [f"Content-ID: {id_}"] if id_ else []
    lines += ["", f"{method} {url} HTTP/1.1", "Content-Type: application/json; type=entry", *headers, ""]
    return end.join([*lines, json.dumps(body) if body is not None else "", ""])


def change_set(parts: list[str], *, end: str = "\r\n") -> str:
    """Parts that are all or nothing."""
    inside = "".join(f"--changeset_1{end}{text}" for text in parts)
    return f'Content-Type: multipart/mixed; boundary="changeset_1"{end}{end}{inside}--changeset_1--{end}'


def batch(world, parts: list[str], *, prefer: str = CONTINUE, end: str = "\r\n", close: bool = True):
    """The batch's answer."""
    body = "".join(f"--batch_1{end}{text}" for text in parts) + (f"--batch_1--{end}" if close else "")
    headers = {"Content-Type": 'multipart/mixed; boundary="batch_1"'}
    return world.call("POST", "$batch", data=body.encode(), headers=headers, prefer=prefer)


def inside(answer) -> list:
    """Status and body of each part; a change set is a list of them."""

    def read(message):
        if message.is_multipart():
            return [read(one) for one in message.get_payload()]
        head, _, body = message.get_payload(decode=True).partition(b"\r\n\r\n")
        return int(head.split()[1]), json.loads(body) if body.strip() else None

    kind = answer.headers["Content-Type"].encode()
    return read(message_from_bytes(b"Content-Type: " + kind + b"\r\n\r\n" + answer.content))


def errors(found: list) -> list[tuple[int, str]]:
    """Status and code of each part, empty where it was done."""
    return [(status, body["error"]["code"] if status >= 400 else "") for status, body in found]


@pytest.mark.parametrize("end", ["\r\n", "\n"])
def test_a_batch_goes_on(world, end):
    """With continue-on-error each request has its own answer in its place, whatever ends a line."""
    one, two = world.contact("a@x.com"), world.contact("b@x.com")
    match = ["If-Match: *"]
    answer = batch(
        world,
        [
            part(world, "PATCH", f"contacts({one})", {"donotbulkemail": True}, end=end, headers=match),
            part(world, "PATCH", f"contacts({NEW})", {"donotbulkemail": True}, end=end, headers=match),
            part(world, "PATCH", f"contacts({two})", {"donotbulkemail": True}, end=end, headers=['If-Match: W/"1"']),
            part(world, "GET", f"{world.base}/contacts({two})?$select=emailaddress1", end=end),
        ],
        end=end,
    )
    found = inside(answer)
    assert answer.status_code == 200
    assert errors(found) == [(204, ""), (404, "0x80040217"), (412, "0x80060882"), (200, "")]
    assert found[3][1]["emailaddress1"] == "b@x.com"
    assert (world.row("contact", one)["donotbulkemail"], world.row("contact", two)["donotbulkemail"]) == (True, False)


def test_a_batch_ends_at_the_first_refusal(world):
    """Without continue-on-error the outer status is the refusal's, and what stood behind it was not done."""
    one = world.contact()
    parts = [part(world, "GET", f"contacts({NEW})"), part(world, "PATCH", f"contacts({one})", {"firstname": "Ada"})]
    answer = batch(world, parts, prefer="")
    assert (answer.status_code, errors(inside(answer))) == (404, [(404, "0x80040217")])
    assert world.row("contact", one)["firstname"] is None


def test_an_outer_404_of_some_environments(world):
    """Where an environment propagates a 404, the outer status is 404 and every part is there."""
    world.control("settings", propagate_404=True)
    one = world.contact()
    answer = batch(world, [part(world, "GET", f"contacts({NEW})"), part(world, "GET", f"contacts({one})")])
    assert (answer.status_code, len(inside(answer))) == (404, 2)


def test_a_change_set_is_all_or_nothing(world):
    """A change set answers in a multipart of its own; one that fails is a single part, and nothing was done."""
    one, two = world.contact("a@x.com"), world.contact("b@x.com")

    def both(value: bool, second: str) -> list[str]:
        ids = enumerate((one, second), 1)
        made = [
            part(world, "PATCH", f"contacts({i})", {"donotemail": value}, id_=str(n), headers=["If-Match: *"])
            for n, i in ids
        ]
        return [change_set(made), part(world, "GET", f"contacts({two})")]

    found = inside(batch(world, both(True, two)))
    assert [errors(found[0]), found[1][0]] == [[(204, ""), (204, "")], 200]
    found = inside(batch(world, both(False, NEW)))
    assert errors(found) == [(404, "0x80040217"), (200, "")]
    assert world.row("contact", one)["donotemail"] is True


def test_references_inside_a_change_set(world):
    """`$1` is what the request with that Content-ID made; one that is not there yet is refused."""
    note = {"subject": "Hello", "objectid_contact@odata.bind": "$1"}
    contact = part(world, "POST", "contacts", {"lastname": "New"}, id_="1")
    first = [
        contact,
        part(world, "POST", "annotations", note, id_="2"),
        part(world, "PATCH", "$1", {"firstname": "Ada"}, id_="3"),
    ]
    assert errors(inside(batch(world, [change_set(first)]))[0]) == [(204, "")] * 3
    row = next(iter(world.env.tables["annotation"].cells))
    made = world.row("annotation", row)["_objectid_value"]
    assert world.row("contact", made)["fullname"] == "Ada New"
    (refused,) = inside(batch(world, [change_set([part(world, "POST", "annotations", note, id_="2"), contact])]))
    assert (refused[0], "does not exist in the batch context" in refused[1]["error"]["message"]) == (400, True)


@pytest.mark.parametrize(
    "broken",
    [
        lambda world: batch(world, [part(world, "GET", "contacts")], close=False),
        lambda world: batch(world, [part(world, "GET", "http://other.example.com/api/data/v9.2/contacts")]),
        lambda world: batch(world, [part(world, "GET", "/contacts")]),
        lambda world: batch(world, ["Content-Type: application/json\r\n\r\n{}\r\n"]),
        lambda world: batch(world, [part(world, "GET", "contacts").replace("HTTP/1.1", "")]),
        lambda world: batch(world, [part(world, "GET", "WhoAmI")] * 1_001),
        lambda world: world.call("POST", "$batch", json={"requests": []}),
    ],
    ids=["open", "other host", "no root", "no http", "no request", "too many", "json"],
)
def test_what_is_no_batch(world, broken):
    """A batch that does not close, leads elsewhere, is too long or is none at all is refused as a whole."""
    answer = broken(world)
    assert (answer.status_code, answer.headers["Content-Type"].partition(";")[0]) == (400, "application/json")


def test_what_a_batch_cannot_hold(world):
    """A batch holds no batch, and a change set no GET and no request without its Content-ID."""
    found = inside(batch(world, [part(world, "POST", f"{world.base}/$batch", {})]))
    assert found[0][0] == 400
    for inner in (part(world, "GET", "contacts", id_="1"), part(world, "POST", "contacts", {})):
        assert inside(batch(world, [change_set([inner])]))[0][0] == 400
    assert not world.env.tables["contact"].cells


def test_addresses_inside_may_be_longer(world):
    """An address inside a batch may have 65,536 characters."""
    where = " or ".join(f"emailaddress1 eq 'number{n}@example.com'" for n in range(700))
    path = f"contacts?$select=contactid&$filter={quote(where)}"
    assert 32_768 < len(path) < 65_000
    assert errors(inside(batch(world, [part(world, "GET", path)]))) == [(200, "")]


def test_on_premises(old):
    """8.2 takes batches below its organization's own root."""
    one = old.contact()
    found = inside(batch(old, [part(old, "PATCH", f"contacts({one})", {"firstname": "Ada"}, headers=["If-Match: *"])]))
    assert (errors(found), old.row("contact", one)["firstname"]) == ([(204, "")], "Ada")


def test_a_limit_inside_a_batch(world):
    """A service protection limit may meet one request of a batch, or the whole of it."""
    parts = [part(world, "GET", "WhoAmI"), part(world, "GET", "WhoAmI")]
    world.control("limit", kind="time", inner=True, after=1)
    assert errors(inside(batch(world, parts))) == [(200, ""), (429, "0x80072321")]
    world.control("limit", kind="concurrent")
    assert world.code(batch(world, parts)) == (429, "0x80072326")
