"""Describes, single rows, upsert, and the checks that each value meets."""

from __future__ import annotations

import pytest


def fields_of(world, name: str, **more) -> dict:
    """An object's described fields by name."""
    return {f["name"]: f for f in world.call("GET", f"sobjects/{name}/describe", **more).json()["fields"]}


def test_describe_tells_what_a_client_needs(world):
    """A describe has the keys that clients read, for the object and for each field."""
    body = world.call("GET", "sobjects/contact/describe").json()
    wanted = {
        "name",
        "custom",
        "keyPrefix",
        "queryable",
        "updateable",
        "createable",
        "replicateable",
        "recordTypeInfos",
    }
    assert wanted | {"fields", "childRelationships", "urls"} <= set(body)
    assert (body["name"], body["keyPrefix"]) == ("Contact", "003")
    fields = {f["name"]: f for f in body["fields"]}
    keys = "name label type custom createable updateable nillable calculated filterable defaultedOnCreate externalId"
    keys += " idLookup unique caseSensitive length picklistValues compoundFieldName deprecatedAndHidden encrypted"
    assert set(keys.split()) <= set(fields["Email"])
    opt_out = fields["HasOptedOutOfEmail"]
    assert (opt_out["label"], opt_out["type"], opt_out["custom"]) == ("Email Opt Out", "boolean", False)
    assert (opt_out["nillable"], opt_out["updateable"]) == (False, True)
    box = fields["Resubscribe_Requested__c"]
    assert (box["label"], box["custom"], box["type"]) == ("Re-Subscribe", True, "boolean")
    assert not fields["SystemModstamp"]["updateable"]
    assert not fields["Suppression_Notes__c"]["filterable"]


def test_describe_says_when_nothing_changed(world):
    """If-Modified-Since gets 304 without a body until the schema changes."""
    changed = world.call("GET", "sobjects/Contact/describe").headers["Last-Modified"]
    again = world.call("GET", "sobjects/Contact/describe", headers={"If-Modified-Since": changed})
    assert (again.status_code, again.content) == (304, b"")
    world.control("settings", clock_offset=60)
    world.control("fields", **{"Contact.Email": "hidden"})
    assert world.call("GET", "sobjects/Contact/describe", headers={"If-Modified-Since": changed}).status_code == 200


def test_global_describe(world):
    """The global describe lists the objects that a user may see."""
    body = world.call("GET", "sobjects").json()
    names = {row["name"] for row in body["sobjects"]}
    assert (body["maxBatchSize"], {"Contact", "Lead", "Account", "Task", "CustomPermission"} <= names) == (200, True)
    world.control("rights", user=world.org.integration, rights={"ViewSetup": False, "Read Lead": False})
    names = {row["name"] for row in world.call("GET", "sobjects").json()["sobjects"]}
    assert names.isdisjoint({"CustomPermission", "SetupEntityAccess", "FieldPermissions", "Lead"})
    assert world.call("GET", "sobjects/Lead/describe").status_code == 404
    assert world.soql("SELECT Id FROM CustomPermission").json()[0]["errorCode"] == "INVALID_TYPE"
    assert world.call("GET", "limits").json()[0]["errorCode"] == "INSUFFICIENT_ACCESS"


def test_hidden_and_readonly_fields(world):
    """A hidden field is nowhere; a read-only one is read and not written."""
    id_ = world.contact()
    world.control("fields", **{"Contact.HasOptedOutOfEmail": "hidden"})
    assert "HasOptedOutOfEmail" not in fields_of(world, "Contact")
    assert world.soql("SELECT HasOptedOutOfEmail FROM Contact").json()[0]["errorCode"] == "INVALID_FIELD"
    assert world.soql("SELECT Id FROM Contact WHERE HasOptedOutOfEmail = true").status_code == 400
    assert "HasOptedOutOfEmail" not in world.call("GET", f"sobjects/Contact/{id_}").json()
    assert world.code("Contact", id_, {"HasOptedOutOfEmail": True}) == "INVALID_FIELD"
    world.control("fields", **{"Contact.HasOptedOutOfEmail": "readonly"})
    assert fields_of(world, "Contact")["HasOptedOutOfEmail"]["updateable"] is False
    assert world.found("SELECT HasOptedOutOfEmail FROM Contact") == [{"HasOptedOutOfEmail": False}]
    row = world.update("Contact", id_, {"HasOptedOutOfEmail": True})
    assert row["errors"][0]["statusCode"] == "INVALID_FIELD_FOR_INSERT_UPDATE"
    assert row["errors"][0]["fields"] == ["HasOptedOutOfEmail"]
    world.control("fields", **{"Contact.HasOptedOutOfEmail": "visible"})
    assert world.code("Contact", id_, {"HasOptedOutOfEmail": True}) == ""


def test_security_is_per_profile(world):
    """What one profile may not see or write, another may."""
    id_, admin = world.contact(), world.signed_in(world.org.admin)
    hidden, readonly = {"Contact.Email": "hidden"}, {"Contact.Title": "readonly"}
    world.control("profile_fields", profile="Integration", fields=hidden | readonly)
    assert "Email" not in fields_of(world, "Contact")
    assert "Email" in fields_of(world, "Contact", token=admin)
    assert world.code("Contact", id_, {"Title": "x"}) == "INVALID_FIELD_FOR_INSERT_UPDATE"
    assert world.code("Contact", id_, {"Title": "x"}, token=admin) == ""


def test_one_row_is_read_and_written(world):
    """POST, GET, PATCH and DELETE answer with the documented status and body."""
    made = world.call("POST", "sobjects/Contact", json={"LastName": "New", "Email": " new@x.test "})
    assert (made.status_code, made.json()) == (201, {"id": made.json()["id"], "success": True, "errors": []})
    id_ = made.json()["id"]
    assert (len(id_), id_[:3]) == (18, "003")
    row = world.call("GET", f"sobjects/Contact/{id_[:15]}", params={"fields": "Email,CreatedById"}).json()
    assert (row["Email"], row["CreatedById"]) == ("new@x.test", world.org.integration)
    before = world.row("Contact", id_)["SystemModstamp"]
    changed = world.call("PATCH", f"sobjects/Contact/{id_}", json={"email": None})
    assert (changed.status_code, changed.content) == (204, b"")
    assert world.row("Contact", id_)["Email"] is None
    assert world.row("Contact", id_)["SystemModstamp"] >= before
    assert world.call("DELETE", f"sobjects/Contact/{id_}").status_code == 204
    for method in ("GET", "PATCH", "DELETE"):
        answer = world.call(method, f"sobjects/Contact/{id_}", json={})
        assert (answer.status_code, answer.json()[0]["errorCode"]) == (404, "ENTITY_IS_DELETED")
        answer = world.call(method, "sobjects/Contact/003000000000999AAA", json={})
        assert (answer.status_code, answer.json()[0]["errorCode"]) == (404, "NOT_FOUND")
    assert world.call("GET", "sobjects/Nothing/x").status_code == 404


def test_upsert_by_external_id(world):
    """A new value creates (201), a known one updates (200, before 46.0: 204), two matches are told apart (300)."""
    put = lambda value, body, **more: world.call("PATCH", f"sobjects/Contact/External_Id__c/{value}", json=body, **more)  # noqa: E731  # short
    made = put("a1", {"LastName": "A"})
    assert (made.status_code, made.json()["created"]) == (201, True)
    assert put("A1", {"LastName": "B"}).json() == {
        "id": made.json()["id"],
        "success": True,
        "errors": [],
        "created": False,
    }
    assert put("a1", {"LastName": "C"}, version="45.0").status_code == 204
    assert world.call("GET", "sobjects/Contact/External_Id__c/a1").json()["LastName"] == "C"
    world.contact(External_Id__c="a1")
    twice = put("a1", {"LastName": "D"})
    assert (twice.status_code, len(twice.json()), "/sobjects/Contact/003" in twice.json()[0]) == (300, 2, True)
    assert put("a2", {"LastName": "E", "External_Id__c": "a3"}).json()[0]["errorCode"] == "INVALID_FIELD"
    assert world.call("PATCH", "sobjects/Contact/LastName/B", json={}).status_code == 404
    assert world.call("GET", "sobjects/Contact/External_Id__c/none").status_code == 404


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"Email": "no address"}, "INVALID_EMAIL_ADDRESS"),
        ({"Email": "a@b"}, "INVALID_EMAIL_ADDRESS"),
        ({"LastName": "x" * 81}, "STRING_TOO_LONG"),
        ({"Suppression_Notes__c": "x" * 32_769}, "STRING_TOO_LONG"),
        ({"LastName": ""}, "REQUIRED_FIELD_MISSING"),
        ({"LastName": None}, "REQUIRED_FIELD_MISSING"),
        ({"IsDeleted": True}, "INVALID_FIELD_FOR_INSERT_UPDATE"),
        ({"SystemModstamp": "2026-01-01T00:00:00Z"}, "INVALID_FIELD_FOR_INSERT_UPDATE"),
        ({"MasterRecordId": None}, "INVALID_FIELD_FOR_INSERT_UPDATE"),
        ({"Name": "x"}, "INVALID_FIELD_FOR_INSERT_UPDATE"),
        ({"IsEmailBounced": True}, "INVALID_FIELD_FOR_INSERT_UPDATE"),
        ({"Nothing": 1}, "INVALID_FIELD"),
        ({"HasOptedOutOfEmail": "perhaps"}, "JSON_PARSER_ERROR"),
        ({"HasOptedOutOfEmail": 7}, "JSON_PARSER_ERROR"),
        ({"LastName": True}, "JSON_PARSER_ERROR"),
        ({"Resubscribe_Request_Date__c": "yesterday"}, "JSON_PARSER_ERROR"),
        ({"OwnerId": "x"}, "MALFORMED_ID"),
        ({"OwnerId": "003000000000001AAA"}, "MALFORMED_ID"),
        ({"OwnerId": "005000000000999AAA"}, "INVALID_CROSS_REFERENCE_KEY"),
        ({"HasOptedOutOfEmail": True}, ""),
        ({"HASOPTEDOUTOFEMAIL": "true"}, ""),
        ({"Resubscribe_Request_Date__c": "2026-11-26T22:53:00+01:00"}, ""),
    ],
)
def test_values_are_checked(world, values, code):
    """Each wrong value is refused with its own code, and then nothing of the row is changed."""
    id_ = world.contact(FirstName="Old")
    assert world.code("Contact", id_, {"FirstName": "New", **values}) == code
    assert world.row("Contact", id_)["FirstName"] == ("Old" if code else "New")


@pytest.mark.parametrize(
    ("object_", "values", "code"),
    [
        ("Contact", {"FirstName": "x"}, "REQUIRED_FIELD_MISSING"),
        ("Lead", {"LastName": "x"}, "REQUIRED_FIELD_MISSING"),
        ("Account", {}, "REQUIRED_FIELD_MISSING"),
        ("Contact", {"Id": "003000000000001AAA", "LastName": "x"}, "INVALID_FIELD"),
        ("Contact", {"LastName": "x", "AccountId": "001000000000999AAA"}, "INVALID_CROSS_REFERENCE_KEY"),
        ("Task", {"WhoId": "005000000000001AAA"}, "MALFORMED_ID"),
        ("Task", {"ActivityDate": "tomorrow"}, "JSON_PARSER_ERROR"),
        ("User", {"Username": "x"}, "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY"),
        ("ContactHistory", {"Field": "x"}, "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY"),
        ("ContentNote", {"Content": "eA=="}, "REQUIRED_FIELD_MISSING"),
        ("Note", {"Title": "x"}, "REQUIRED_FIELD_MISSING"),
    ],
)
def test_new_rows_are_checked(world, object_, values, code):
    """A new row lacks nothing that is required, and points at rows that are there."""
    answer = world.call("POST", f"sobjects/{object_}", json=values)
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (400, code)


def test_notes_of_every_kind(world):
    """A task, a classic note, and a content note with its document and link can be left on a contact."""
    id_ = world.contact()
    post = lambda name, **values: world.call("POST", f"sobjects/{name}", json=values)  # noqa: E731  # short
    assert post("Task", WhoId=id_, Subject="S", Status="Completed", ActivityDate="2026-11-22").status_code == 201
    assert post("Note", ParentId=id_, Title="T", Body="B").status_code == 201
    note = post("ContentNote", Title="T", Content="PHA+eDwvcD4=").json()["id"]
    assert note[:3] == "069"
    assert post("ContentDocumentLink", ContentDocumentId=note, LinkedEntityId=id_, ShareType="V").status_code == 201
    bad = post("ContentDocumentLink", ContentDocumentId=note, LinkedEntityId=id_, ShareType="X")
    assert bad.json()[0]["errorCode"] == "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST"
    soql = "SELECT ContentDocument.Title FROM ContentDocumentLink WHERE LinkedEntityId = '%s' AND %s"
    rows = world.found(soql % (id_, "ContentDocument.FileType = 'SNOTE'"))
    assert [row["ContentDocument"]["Title"] for row in rows] == ["T"]


def test_rows_on_demand(world):
    """A locked row is free again after the asked number of writes, a refused one when it is let go."""
    id_ = world.contact()
    world.control("lock", id=id_, times=2)
    codes = [world.code("Contact", id_, {"Title": "x"}) for _ in range(3)]
    assert codes == ["UNABLE_TO_LOCK_ROW", "UNABLE_TO_LOCK_ROW", ""]
    world.control("refuse", id=id_, code="CANNOT_EXECUTE_FLOW_TRIGGER", message="the flow failed")
    row = world.update("Contact", id_, {"Title": "y"})
    assert row["errors"] == [{"statusCode": "CANNOT_EXECUTE_FLOW_TRIGGER", "message": "the flow failed", "fields": []}]
    world.control("refuse", id=id_)
    assert world.code("Contact", id_, {"Title": "y"}) == ""


def test_duplicate_rules_and_unique_fields(world):
    """A blocking duplicate rule refuses a second address unless the caller insists; a unique field refuses always."""
    from connector.emulators.salesforce.schema import Field

    table = world.org.tables["Contact"]
    table.object.fields["Key__c"] = Field(name="Key__c", custom=True, external=True, unique=True)
    table.column("Key__c")
    world.contact(Email="a@x.test", Key__c="k")
    world.control("duplicates", Contact=True)
    post = lambda headers=None, **values: world.call("POST", "sobjects/Contact", json=values, headers=headers or {})  # noqa: E731  # short
    assert post(LastName="B", Email="A@x.test").json()[0]["errorCode"] == "DUPLICATES_DETECTED"
    insist = {"Sforce-Duplicate-Rule-Header": "allowSave=true"}
    assert post(insist, LastName="B", Email="A@x.test").status_code == 201
    assert post(insist, LastName="C", Key__c="K").json()[0]["errorCode"] == "DUPLICATE_VALUE"
