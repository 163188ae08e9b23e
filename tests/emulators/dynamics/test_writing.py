"""Writing single rows: conditions, upsert, keys of the client's own, checks of each value."""

from __future__ import annotations

import pytest

NEW = "11111111-2222-4333-8444-555555555555"


def test_an_update_by_etag(world):
    """A row as it was read is written; the etag is another one then, and the old one is refused."""
    id_ = world.contact()
    etag = world.etag(f"contacts({id_})")
    answer = world.call("PATCH", f"contacts({id_})", json={"donotbulkemail": True}, headers={"If-Match": etag})
    assert (answer.status_code, answer.headers["OData-EntityId"]) == (204, f"{world.base}/contacts({id_})")
    row = world.row("contact", id_)
    assert (row["donotbulkemail"], row["_modifiedby_value"]) == (True, world.env.service)
    again = world.call("PATCH", f"contacts({id_})", json={"donotbulkemail": False}, headers={"If-Match": etag})
    assert world.code(again) == (412, "0x80060882")
    assert world.row("contact", id_)["donotbulkemail"] is True


def test_a_patch_without_condition_makes_the_row(world):
    """A PATCH to nothing creates the row, unless If-Match demands that it is there."""
    answer = world.call("PATCH", f"contacts({NEW})", json={"lastname": "Back"}, headers={"If-Match": "*"})
    assert world.code(answer) == (404, "0x80040217")
    assert world.call("PATCH", f"contacts({NEW})", json={"lastname": "Back"}).status_code == 204
    assert world.row("contact", NEW)["lastname"] == "Back"


def test_a_patch_that_only_creates(world):
    """If-None-Match writes a row once; the second time is a 412 and changes nothing."""
    headers = {"If-None-Match": "*"}
    assert world.call("PATCH", f"contacts({NEW})", json={"lastname": "One"}, headers=headers).status_code == 204
    answer = world.call("PATCH", f"contacts({NEW})", json={"lastname": "Two"}, headers=headers)
    assert world.code(answer) == (412, "0x80040237")
    assert world.row("contact", NEW)["lastname"] == "One"


def test_a_create_with_the_clients_id(world):
    """A POST may bring its own id; the same id again is a duplicate."""
    answer = world.call("POST", "contacts", json={"contactid": NEW, "lastname": "One"})
    assert (answer.status_code, answer.headers["OData-EntityId"]) == (204, f"{world.base}/contacts({NEW})")
    assert world.code(world.call("POST", "contacts", json={"contactid": NEW})) == (412, "0x80040237")


def test_the_row_comes_back_where_it_is_preferred(world):
    """With return=representation a POST answers 201, a PATCH 200 or 201, each with the row."""
    prefer = "return=representation"
    answer = world.call("POST", "contacts?$select=lastname", json={"lastname": "One"}, prefer=prefer)
    assert (answer.status_code, answer.json()["lastname"]) == (201, "One")
    assert answer.headers["Preference-Applied"] == prefer
    assert "firstname" not in answer.json()
    path = f"contacts({answer.json()['contactid']})"
    assert world.call("PATCH", path, json={"lastname": "Two"}, prefer=prefer).status_code == 200
    assert world.call("PATCH", f"contacts({NEW})", json={"lastname": "New"}, prefer=prefer).status_code == 201


def test_a_row_is_deleted_by_its_etag(world):
    """A DELETE looks at its etag, and is 404 the second time."""
    id_ = world.contact()
    path, etag = f"contacts({id_})", world.etag(f"contacts({id_})")
    world.control("update", table="contact", id=id_, values={"firstname": "Ada"})
    assert world.code(world.call("DELETE", path, headers={"If-Match": etag})) == (412, "0x80060882")
    assert world.call("DELETE", path).status_code == 204
    assert world.call("DELETE", path).status_code == 404


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"nothing": 1}, "0x80048d19"),
        ({"DoNotBulkEMail": True}, "0x80048d19"),
        ({"donotbulkemail": "true"}, "0x80048d19"),
        ({"donotbulkemail": 1}, "0x80048d19"),
        ({"emailaddress1": "a" * 101}, "0x80044331"),
        ({"statecode": 9}, "0x8004431a"),
        ({"statecode": None}, "0x80040203"),
        ({"modifiedon": "2026-01-01T00:00:00Z"}, "0x80040203"),
        ({"_parentcustomerid_value": NEW}, "0x80048d19"),
        ({"parentcustomerid@odata.bind": f"/accounts({NEW})"}, "0x80048d19"),
        ({"@odata.type": "Microsoft.Dynamics.CRM.lead", "firstname": "Ada"}, "0x80048d19"),
    ],
)
def test_values_that_do_not_fit(world, body, code):
    """An unknown column, a value of another type, a text too long, a column that is read-only: each with its code."""
    id_ = world.contact()
    assert world.code(world.call("PATCH", f"contacts({id_})", json=body, headers={"If-Match": "*"})) == (400, code)
    assert world.env.writes[-1]["deed"] == "create"


def test_a_body_that_is_no_json(world):
    """A broken body is a 400, and another content type a 415."""
    path = f"contacts({world.contact()})"
    kind = {"Content-Type": "application/json"}
    assert world.call("PATCH", path, data='{"a":', headers=kind).status_code == 400
    assert world.call("PATCH", path, data='{"firstname":"a","firstname":"b"}', headers=kind).status_code == 400
    assert world.call("PATCH", path, data="x", headers={"Content-Type": "text/plain"}).status_code == 415


def test_empty_text_is_null(world):
    """An empty text is kept as null."""
    id_ = world.contact(firstname="Ada")
    world.call("PATCH", f"contacts({id_})", json={"firstname": ""}, headers={"If-Match": "*"})
    assert world.row("contact", id_)["firstname"] is None


def test_every_write_changes_the_etag(world):
    """The same value written again is a change: etag and delta tell it."""
    id_ = world.contact(donotbulkemail=True)
    etag = world.etag(f"contacts({id_})")
    world.call("PATCH", f"contacts({id_})", json={"donotbulkemail": True}, headers={"If-Match": "*"})
    assert world.etag(f"contacts({id_})") != etag


def test_closed_leads_are_read_only(world):
    """A qualified lead refuses every write but the one that opens it again."""
    id_ = world.control("create", table="lead", values={"lastname": "Person"})["id"]
    contact = world.control("qualify", id=id_)["id"]
    assert world.row("contact", contact)["lastname"] == "Person"
    answer = world.call("PATCH", f"leads({id_})", json={"donotbulkemail": True}, headers={"If-Match": "*"})
    assert world.code(answer) == (400, "0x80040230")
    answer = world.call("PATCH", f"leads({id_})", json={"statecode": 0}, headers={"If-Match": "*"})
    assert (answer.status_code, world.row("lead", id_)["statuscode"]) == (204, 1)


def test_a_plug_in_refuses_a_row(world):
    """A customer's plug-in refuses writes to one row with its own words, until it is taken away."""
    id_ = world.contact()
    world.control("refuse", id=id_, message="Keep out")
    answer = world.call("PATCH", f"contacts({id_})", json={"donotbulkemail": True}, headers={"If-Match": "*"})
    assert (*world.code(answer), answer.json()["error"]["message"]) == (400, "0x80040265", "Keep out")
    world.control("refuse", id=id_, off=True)
    assert world.call("PATCH", f"contacts({id_})", json={}, headers={"If-Match": "*"}).status_code == 204


def test_a_note_is_written_once(world):
    """A note hangs on its contact by the binding's own name, and its id makes a second time a 412."""
    id_ = world.contact()
    body = {"subject": "Resubscribed", "notetext": "Asked", "objectid_contact@odata.bind": f"/contacts({id_})"}
    headers = {"If-None-Match": "*"}
    assert world.call("PATCH", f"annotations({NEW})", json=body, headers=headers).status_code == 204
    assert world.call("PATCH", f"annotations({NEW})", json=body, headers=headers).status_code == 412
    row = world.row("annotation", NEW)
    assert (row["_objectid_value"], row["objecttypecode"]) == (id_, "contact")
    where = f"_objectid_value eq {id_} and isdocument eq false"
    assert world.found("annotations", where, column="subject") == ["Resubscribed"]


def test_a_note_needs_its_row(world):
    """A note on nothing, or by a binding in the wrong case, is refused."""
    gone = world.call("POST", "annotations", json={"objectid_contact@odata.bind": f"/contacts({NEW})"})
    assert world.code(gone) == (404, "0x80040217")
    id_ = world.contact()
    answer = world.call("POST", "annotations", json={"ObjectId_Contact@odata.bind": f"/contacts({id_})"})
    assert world.code(answer) == (400, "0x80048d19")


def test_errors_of_8_2(old):
    """8.2 leaves the code of a 404 and a 412 empty, and tells of the inner error."""
    answer = old.call("PATCH", f"contacts({NEW})", json={"lastname": "Back"}, headers={"If-Match": "*"})
    assert old.code(answer) == (404, "")
    assert answer.json()["error"]["innererror"]["message"]


def test_a_table_without_optimistic_concurrency(world):
    """An etag on a table that does not compare them is refused with the code for it; `*` is not."""
    body = {"uniquename": "ours", "friendlyname": "Ours", "customizationprefix": "sc"}
    path = world.call("POST", "publishers", json=body).headers["OData-EntityId"]
    etag = world.etag(path)
    answer = world.call("PATCH", path, json={"friendlyname": "New"}, headers={"If-Match": etag})
    assert world.code(answer) == (400, "0x8006088d")
    assert world.call("PATCH", path, json={"friendlyname": "New"}, headers={"If-Match": "*"}).status_code == 204


def test_what_must_be_unique_is(world):
    """A second publisher of the same unique name is refused, and so is one without a name."""
    body = {"uniquename": "ours", "friendlyname": "Ours", "customizationprefix": "sc"}
    assert world.call("POST", "publishers", json=body).status_code == 204
    assert world.code(world.call("POST", "publishers", json=body)) == (412, "0x80040237")
    assert world.code(world.call("POST", "publishers", json={"friendlyname": "Ours"})) == (400, "0x80040203")
