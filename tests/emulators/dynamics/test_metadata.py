"""Metadata: what tables and columns are, and making new ones."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

CRM = "Microsoft.Dynamics.CRM"
CONTACT = "EntityDefinitions(LogicalName='contact')"


def label(text: str) -> dict:
    """A label as a client sends it."""
    return {"LocalizedLabels": [{"Label": text, "LanguageCode": 1033}]}


def attribute(kind: str, schema: str, **more) -> dict:
    """A column to make."""
    return {"@odata.type": f"{CRM}.{kind}AttributeMetadata", "SchemaName": schema, "DisplayName": label(schema), **more}


def table(schema: str, **more) -> dict:
    """A table to make."""
    primary = attribute("String", f"{schema}Name", MaxLength=320, IsPrimaryName=True, FormatName={"Value": "Text"})
    return {
        "@odata.type": f"{CRM}.EntityMetadata",
        "SchemaName": schema,
        "DisplayName": label("Thing"),
        "DisplayCollectionName": label("Things"),
        "OwnershipType": "OrganizationOwned",
        "Attributes": [primary],
        **more,
    }


@pytest.fixture
def prefixed(world):
    """An environment with a publisher and an empty solution."""
    body = {"uniquename": "ours", "friendlyname": "Ours", "customizationprefix": "sc"}
    publisher = world.call("POST", "publishers", json=body).headers["OData-EntityId"]
    body = {"uniquename": "Ours", "friendlyname": "Ours", "version": "1.0.0.0", "publisherid@odata.bind": publisher}
    assert world.call("POST", "solutions", json=body).status_code == 204
    return world


def make(world, path: str, body: dict, **headers):
    """One metadata request for our solution."""
    return world.call("POST", path, json=body, headers={"MSCRM.SolutionUniqueName": "Ours", **headers})


# -- reading ---------------------------------------------------------------------------------------------------------


def test_a_table_is_found_by_name(world):
    """A definition tells the set, the key, and whether changes are tracked; by name in the address or by a filter."""
    wanted = "$select=LogicalName,EntitySetName,PrimaryIdAttribute,ChangeTrackingEnabled,CanChangeTrackingBeEnabled"
    body = world.got(f"{CONTACT}?{wanted}")
    assert (body["EntitySetName"], body["PrimaryIdAttribute"], body["ChangeTrackingEnabled"]) == (
        "contacts",
        "contactid",
        True,
    )
    assert body["CanChangeTrackingBeEnabled"]["Value"] is True
    (row,) = world.got(f"EntityDefinitions?{wanted}&$filter=LogicalName eq 'contact'")["value"]
    assert row["EntitySetName"] == "contacts"
    assert world.got(f"EntityDefinitions({row['MetadataId']})")["LogicalName"] == "contact"
    world.control("tracking", contact=False)
    assert world.got(f"{CONTACT}?{wanted}")["ChangeTrackingEnabled"] is False
    missing = world.call("GET", "EntityDefinitions(LogicalName='nothing')")
    assert world.code(missing) == (404, "0x80041102")


def test_columns(world):
    """Attributes tell their type, whether they can be written, and whether they are secured."""
    wanted = "$select=LogicalName,AttributeType,IsValidForUpdate,IsSecured"
    where = "$filter=LogicalName eq 'donotbulkemail' or LogicalName eq 'modifiedon'"
    world.control("secure", column="contact.donotbulkemail", read=True)
    rows = {row["LogicalName"]: row for row in world.got(f"{CONTACT}/Attributes?{wanted}&{where}")["value"]}
    assert {name: (row["AttributeType"], row["IsValidForUpdate"], row["IsSecured"]) for name, row in rows.items()} == {
        "donotbulkemail": ("Boolean", True, True),
        "modifiedon": ("DateTime", False, False),
    }
    enum = f"$filter=AttributeType eq {CRM}.AttributeTypeCode'Boolean'"
    flags = {row["LogicalName"] for row in world.got(f"{CONTACT}/Attributes?$select=LogicalName&{enum}")["value"]}
    assert {"donotbulkemail", "donotemail"} <= flags
    assert "emailaddress1" not in flags


def test_a_default_needs_a_cast(world):
    """A flag's default is told by its own kind of metadata, alone or among all of them; options by expansion."""
    cast = f"{CRM}.BooleanAttributeMetadata"
    path = f"{CONTACT}/Attributes(LogicalName='donotbulkemail')/{cast}"
    assert world.got(f"{path}?$select=DefaultValue")["DefaultValue"] is False
    world.control("default", column="contact.donotbulkemail", value=True)
    rows = world.got(f"{CONTACT}/Attributes/{cast}?$select=LogicalName,DefaultValue")["value"]
    assert {row["LogicalName"]: row["DefaultValue"] for row in rows}["donotbulkemail"] is True
    options = world.got(f"{path}?$expand=OptionSet($select=TrueOption)")["OptionSet"]
    assert options["TrueOption"]["Label"]["UserLocalizedLabel"]["Label"] == "Do Not Allow"
    assert world.call("GET", f"{CONTACT}/Attributes?$select=DefaultValue").status_code == 400
    wrong = f"{CONTACT}/Attributes(LogicalName='emailaddress1')/{cast}"
    assert world.call("GET", wrong).status_code == 404


def test_expanding_a_table(world):
    """A definition brings its attributes and keys where it is asked to."""
    body = world.got(f"{CONTACT}?$select=LogicalName&$expand=Attributes($select=LogicalName),Keys")
    assert "donotbulkemail" in {row["LogicalName"] for row in body["Attributes"]}
    assert body["Keys"] == []


@pytest.mark.parametrize(
    "query",
    [
        "EntityDefinitions?$orderby=LogicalName",
        "EntityDefinitions?$top=1",
        "EntityDefinitions?$filter=startswith(LogicalName,'c')",
        "EntityDefinitions?$filter=OwnershipType eq 'UserOwned'",
        "EntityDefinitions?$select=Nothing",
        "EntityDefinitions?$expand=Nothing",
        "EntityDefinitions(SchemaName='Contact')",
        f"{CONTACT}/Attributes?$filter=AttributeType eq 'Boolean'",
    ],
)
def test_what_metadata_does_not_have(world, query):
    """Metadata has a subset of the options alone."""
    assert world.call("GET", query).status_code == 400


def test_the_service_describes_itself(world):
    """The service document names the sets, and $metadata their types with properties and bindings."""
    assert "contacts" in {row["name"] for row in world.got("")["value"]}
    root = ElementTree.fromstring(world.call("GET", "$metadata").content)
    space = {"m": "http://docs.oasis-open.org/odata/ns/edm"}
    assert root.find(".//m:EntitySet[@Name='contacts']", space).get("EntityType") == f"{CRM}.contact"
    contact = root.find(".//m:EntityType[@Name='contact']", space)
    assert contact.find("m:Property[@Name='donotbulkemail']", space).get("Type") == "Edm.Boolean"
    note = root.find(".//m:EntityType[@Name='annotation']", space)
    assert note.find("m:NavigationProperty[@Name='objectid_contact']", space) is not None


# -- making ----------------------------------------------------------------------------------------------------------


def test_a_table_is_made(prefixed):
    """A new table has its set, its key, its columns and its privileges; changes are tracked only where that was asked."""
    world = prefixed
    answer = make(world, "EntityDefinitions", table("sc_Thing"))
    assert answer.status_code == 204
    assert world.got(answer.headers["OData-EntityId"])["EntitySetName"] == "sc_things"
    row = world.call("POST", "sc_things", json={"sc_thingname": "a+b@x.com"})
    assert world.got(row.headers["OData-EntityId"])["sc_thingname"] == "a+b@x.com"
    assert world.code(world.call("GET", "sc_things", prefer="odata.track-changes")) == (400, "0x80072491")
    assert make(world, "EntityDefinitions", table("sc_Other", ChangeTrackingEnabled=True)).status_code == 204
    assert "@odata.deltaLink" in world.got("sc_others", prefer="odata.track-changes")
    names = [row["name"] for row in world.got("privileges?$filter=endswith(name,'sc_Thing')")["value"]]
    assert "prvReadsc_Thing" in names
    assert "prvAssignsc_Thing" not in names


def test_columns_are_made(prefixed):
    """Text, flag, time, number, memo and choice are made with what each needs, and hold values of their type."""
    world = prefixed
    two = {"TrueOption": {"Value": 1, "Label": label("Yes")}, "FalseOption": {"Value": 0, "Label": label("No")}}
    choice = {"Options": [{"Value": 7, "Label": label("Seven")}]}
    for body in (
        attribute("String", "sc_Text", MaxLength=10, FormatName={"Value": "Text"}),
        attribute("Boolean", "sc_Flag", DefaultValue=True, OptionSet=two),
        attribute("DateTime", "sc_Time", Format="DateAndTime"),
        attribute("Integer", "sc_Number"),
        attribute("Memo", "sc_Memo", MaxLength=2_000),
        attribute("Picklist", "sc_Choice", OptionSet=choice),
    ):
        assert make(world, f"{CONTACT}/Attributes", body).status_code == 204, body
    values = {"sc_text": "x", "sc_time": "2026-11-22T10:00:00Z", "sc_number": 3, "sc_memo": "m", "sc_choice": 7}
    path = world.call("POST", "contacts", json={"lastname": "Person", **values}).headers["OData-EntityId"]
    row = world.got(f"{path}?$select=sc_text,sc_time,sc_number,sc_memo,sc_choice,sc_flag")
    assert {name: row[name] for name in values} == values
    assert row["sc_flag"] is True
    assert world.call("PATCH", path, json={"sc_choice": 8}).status_code == 400


def test_rows_from_before_have_nothing_in_a_new_column(prefixed):
    """A new flag is null in rows that were there, whatever its default."""
    world = prefixed
    id_ = world.contact()
    two = {"TrueOption": {"Value": 1, "Label": label("Yes")}, "FalseOption": {"Value": 0, "Label": label("No")}}
    make(world, f"{CONTACT}/Attributes", attribute("Boolean", "sc_Flag", DefaultValue=True, OptionSet=two))
    assert world.got(f"contacts({id_})?$select=sc_flag")["sc_flag"] is None


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("EntityDefinitions", table("Thing"), 400),
        ("EntityDefinitions", table("new_Thing"), 400),
        ("EntityDefinitions", table("sc_Thing", Attributes=[]), 400),
        ("EntityDefinitions", table("sc_Thing", DisplayName=None), 400),
        ("EntityDefinitions", {"SchemaName": "sc_Thing"}, 400),
        (f"{CONTACT}/Attributes", attribute("String", "sc_Text"), 400),
        (f"{CONTACT}/Attributes", attribute("Boolean", "sc_Flag"), 400),
        (f"{CONTACT}/Attributes", attribute("Money", "sc_Money"), 400),
        (f"{CONTACT}/Attributes", attribute("Integer", "number"), 400),
        (f"{CONTACT}/Attributes", {"SchemaName": "sc_Number"}, 400),
        (f"{CONTACT}/Keys", {"SchemaName": "sc_Key", "KeyAttributes": ["donotbulkemail"]}, 400),
        (f"{CONTACT}/Keys", {"SchemaName": "sc_Key", "KeyAttributes": [{}]}, 400),
        (f"{CONTACT}/Attributes", attribute("Picklist", "sc_Choice", OptionSet={"Options": [{"Value": "1"}]}), 400),
        (f"{CONTACT}/Attributes", attribute("Integer", "sc_Number") | {"DisplayName": 5}, 400),
        ("EntityDefinitions(LogicalName='nothing')/Attributes", attribute("Integer", "sc_Number"), 404),
    ],
)
def test_what_cannot_be_made(prefixed, path, body, status):
    """A name without the publisher's prefix, a kind that lacks what it needs, a missing type: each is refused."""
    assert make(prefixed, path, body).status_code == status


def test_nothing_is_made_twice(prefixed):
    """A table or a column that is there already is refused with a code."""
    world = prefixed
    assert make(world, "EntityDefinitions", table("sc_Thing")).status_code == 204
    assert world.code(make(world, "EntityDefinitions", table("sc_thing"))) == (400, "0x80048403")
    body = attribute("Integer", "sc_Number")
    assert make(world, f"{CONTACT}/Attributes", body).status_code == 204
    assert world.code(make(world, f"{CONTACT}/Attributes", body)) == (400, "0x80047013")


def test_a_solution_that_is_not_there(prefixed):
    """The header of an unknown solution is refused."""
    body = attribute("Integer", "sc_Number")
    answer = make(prefixed, f"{CONTACT}/Attributes", body, **{"MSCRM.SolutionUniqueName": "Nothing"})
    assert answer.status_code == 400


def test_making_needs_its_rights(prefixed):
    """Who does not customize makes nothing."""
    world = prefixed
    world.control("roles", roles=["Salesperson"])
    assert world.code(make(world, "EntityDefinitions", table("sc_Thing"))) == (403, "0x80040220")
    assert world.code(make(world, f"{CONTACT}/Attributes", attribute("Integer", "sc_Number"))) == (403, "0x80040220")
    assert world.code(world.call("POST", "roles", json={"name": "Mine"})) == (403, "0x80040220")


def test_a_role_is_made_and_given(prefixed):
    """A new role gets privileges by their ids, is given to the user, and lets them do just that."""
    world = prefixed
    (unit,) = world.got("businessunits?$filter=_parentbusinessunitid_value eq null")["value"]
    body = {"name": "Reader", "businessunitid@odata.bind": f"/businessunits({unit['businessunitid']})"}
    role = world.call("POST", "roles", json=body).headers["OData-EntityId"]
    (privilege,) = world.got("privileges?$filter=name eq 'prvReadContact'")["value"]
    body = {"Privileges": [{"PrivilegeId": privilege["privilegeid"], "Depth": "Global"}]}
    assert world.call("POST", f"{role}/{CRM}.AddPrivilegesRole", json=body).status_code == 204
    id_ = role.rpartition("(")[2].rstrip(")")
    (held,) = world.got(f"RetrieveRolePrivilegesRole(RoleId={id_})")["RolePrivileges"]
    assert (held["PrivilegeId"], held["Depth"]) == (privilege["privilegeid"], "Global")
    user = f"systemusers({world.env.outsider})/systemuserroles_association/$ref"
    assert world.call("POST", user, json={"@odata.id": role}).status_code == 204
    outsider = world.signed_in(world.env.outsider)
    assert world.call("GET", "contacts", token=outsider).status_code == 200
    assert world.call("GET", "leads", token=outsider).status_code == 403


def test_tracking_is_switched_on_for_good(prefixed):
    """A definition that is put back with tracking on switches it on, and it cannot be switched off."""
    world = prefixed
    make(world, "EntityDefinitions", table("sc_Thing"))
    path = "EntityDefinitions(LogicalName='sc_thing')"
    body = world.got(path) | {"@odata.type": f"{CRM}.EntityMetadata", "ChangeTrackingEnabled": True}
    assert world.call("PUT", path, json=body).status_code == 204
    assert world.got(path)["ChangeTrackingEnabled"] is True
    assert world.call("PUT", path, json=body | {"ChangeTrackingEnabled": False}).status_code == 400


def test_an_alternate_key(prefixed):
    """A key works once its index is active; unsafe letters and keys that nobody defined are refused; values are unique."""
    world = prefixed
    one = world.contact("ada@example.com")
    world.contact("a+b@x.com")
    path = "contacts(emailaddress1='ada@example.com')"
    assert world.call("GET", path).status_code == 400
    world.control("settings", key_delay=60)
    key = {"SchemaName": "sc_Address", "KeyAttributes": ["emailaddress1"]}
    assert make(world, f"{CONTACT}/Keys", key).status_code == 204
    assert world.got(f"{CONTACT}/Keys")["value"][0]["EntityKeyIndexStatus"] == "Pending"
    assert world.call("GET", path).status_code == 400
    world.control("settings", clock_offset=61)
    assert world.got(f"{CONTACT}/Keys?$select=EntityKeyIndexStatus")["value"][0]["EntityKeyIndexStatus"] == "Active"
    assert world.got(path)["contactid"] == one
    assert world.code(world.call("GET", "contacts(emailaddress1='no@example.com')")) == (404, "0x80060891")
    assert world.call("GET", "contacts(emailaddress1='a%2Bb@x.com')").status_code == 400
    prefer = "return=representation"
    made = world.call("PATCH", "contacts(emailaddress1='new@x.com')", json={"lastname": "New"}, prefer=prefer)
    assert (made.status_code, made.json()["emailaddress1"]) == (201, "new@x.com")
    twice = world.call("POST", "contacts", json={"emailaddress1": "ADA@example.com"})
    assert world.code(twice) == (412, "0x80060892")
