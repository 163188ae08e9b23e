"""Who may do what: privileges, depths, column security; the connector's solution; service protection limits."""

from __future__ import annotations

import pytest
from connector.emulators.dynamics import Environment
from connector.emulators.dynamics.solution import ROLE


@pytest.fixture
def installed(world):
    """An environment with the solution."""
    world.control("solution", version="9.1.0.4")
    return world


def patch(world, path: str, body: dict, **more):
    """An update of a row that is there."""
    return world.call("PATCH", path, json=body, headers={"If-Match": "*"}, **more)


@pytest.mark.parametrize(
    ("right", "method", "path", "body"),
    [
        ("prvReadContact", "GET", "contacts", None),
        ("prvWriteContact", "PATCH", "contacts({})", {"firstname": "Ada"}),
        ("prvCreateContact", "POST", "contacts", {"lastname": "New"}),
        ("prvDeleteContact", "DELETE", "contacts({})", None),
        ("prvCreateNote", "POST", "annotations", {"subject": "Hello"}),
        ("prvAppendNote", "POST", "annotations", {"objectid_contact@odata.bind": "/contacts({})"}),
        ("prvAppendToContact", "POST", "annotations", {"objectid_contact@odata.bind": "/contacts({})"}),
    ],
)
def test_a_right_that_is_missing_is_named(world, right, method, path, body):
    """Without a privilege the deed is a 403 that names it; with it the deed is done."""
    id_ = world.contact()
    body = {name: value.format(id_) for name, value in body.items()} if body else None
    world.control("rights", rights={right: ""})
    answer = world.call(method, path.format(id_), json=body)
    assert world.code(answer) == (403, "0x80040220")
    assert f"missing {right} privilege" in answer.json()["error"]["message"]
    world.control("rights", rights={right: "Global"})
    assert world.call(method, path.format(id_), json=body).status_code < 300


def test_rights_are_told_by_id(installed):
    """RetrieveUserPrivileges tells ids and depths, and names by the table privileges alone."""
    world = installed
    found = world.got(f"systemusers({world.env.service})/Microsoft.Dynamics.CRM.RetrieveUserPrivileges()")[
        "RolePrivileges"
    ]
    depths = {row["PrivilegeId"]: row["Depth"] for row in found}
    assert not any(row["PrivilegeName"] for row in found)
    names = {row["name"]: row["privilegeid"] for row in world.got("privileges?$select=name")["value"]}
    assert depths[names["prvWriteContact"]] == "Global"
    assert names["prvDeleteContact"] not in depths
    roles = world.got(f"systemusers({world.env.service})/systemuserroles_association?$select=name")["value"]
    assert [role["name"] for role in roles] == [ROLE]


def test_a_secured_column_reads_as_null(world):
    """A secured column is null for who may not read it, without an error, in rows, deltas and conditions alike."""
    id_ = world.contact(donotbulkemail=True)
    world.control("secure", column="contact.donotbulkemail", read=False, update=False)
    assert world.got(f"contacts({id_})?$select=donotbulkemail")["donotbulkemail"] is None
    for prefer in ("", "odata.track-changes"):
        assert world.got("contacts?$select=donotbulkemail", prefer=prefer)["value"][0]["donotbulkemail"] is None
    assert world.found("contacts", "donotbulkemail eq true") == []
    admin = world.signed_in(world.env.admin)
    assert world.got(f"contacts({id_})?$select=donotbulkemail", token=admin)["donotbulkemail"] is True
    assert world.code(patch(world, f"contacts({id_})", {"donotbulkemail": False})) == (403, "0x8004f507")
    assert world.code(world.call("POST", "contacts", json={"donotbulkemail": True})) == (403, "0x8004f502")
    world.control("secure", column="contact.donotbulkemail", read=True, update=True)
    assert patch(world, f"contacts({id_})", {"donotbulkemail": False}).status_code == 204
    assert world.got(f"contacts({id_})?$select=donotbulkemail")["donotbulkemail"] is False


def test_column_permissions_can_be_read(world):
    """Who looks for a user's column permissions finds the profile and what it allows."""
    world.control("secure", column="contact.donotbulkemail", read=True, update=False)
    (profile,) = world.got(f"systemusers({world.env.service})/systemuserprofiles_association")["value"]
    where = f"_fieldsecurityprofileid_value eq {profile['fieldsecurityprofileid']}"
    (row,) = world.got(f"fieldpermissions?$filter={where}")["value"]
    assert (row["entityname"], row["attributelogicalname"]) == ("contact", "donotbulkemail")
    assert (row["canread"], row["canupdate"]) == (4, 0)


def test_the_solution(installed):
    """The solution has its version, its table tracks changes, and its role is enough for a suppression's whole life."""
    world = installed
    where = "$select=version,ismanaged&$filter=uniquename eq 'SuppressionConnector'"
    (row,) = world.got(f"solutions?{where}")["value"]
    assert (row["version"], row["ismanaged"]) == ("9.1.0.4", True)
    answer = world.call("POST", "sc_emailsuppressions", json={"sc_name": "a+b@x.com", "sc_reason": "Complaint"})
    path = answer.headers["OData-EntityId"]
    assert world.found("sc_emailsuppressions", "sc_name eq 'A+B@x.com'", column="sc_reason") == ["Complaint"]
    assert "@odata.deltaLink" in world.got("sc_emailsuppressions", prefer="odata.track-changes")
    assert patch(world, path, {"sc_requestresubscribe": True}).status_code == 204
    assert world.call("DELETE", path).status_code == 204
    id_ = world.contact()
    body = {"sc_suppressionreason": "Complaint", "sc_suppressedsince": "2026-11-22T10:00:00Z"}
    assert patch(world, f"contacts({id_})", body).status_code == 204
    world.control("solution", version="9.2.0.0")
    assert world.got(f"solutions?{where}")["value"][0]["version"] == "9.2.0.0"


def test_an_environment_is_made_with_the_solution():
    """An environment made with a version has the solution in it."""
    env = Environment(generation="2016", solution="7.0.1.721")
    assert env.find("solution", uniquename="SuppressionConnector")["version"] == "7.0.1.721"


def test_without_the_solution_nothing_of_it_is_there(installed):
    """Removed, the solution leaves no table, no column and no role."""
    world = installed
    world.contact(sc_resubscribestatus="Waiting")
    world.control("solution")
    assert world.call("GET", "sc_emailsuppressions").status_code == 404
    assert world.call("GET", "contacts?$select=sc_resubscribestatus").status_code == 400
    assert world.got("contacts?$select=emailaddress1")["value"][0]["emailaddress1"] == "ada@example.com"
    assert world.got(f"roles?$filter=name eq '{ROLE}'")["value"] == []


def test_an_operator_ticks_the_box(installed):
    """A salesperson may set Request Resubscribe on an entry."""
    world = installed
    id_ = world.control("create", table="sc_emailsuppression", values={"sc_name": "a@x.com"})["id"]
    world.control(
        "update", table="sc_emailsuppression", id=id_, values={"sc_requestresubscribe": True}, user=world.env.operator
    )
    row = world.row("sc_emailsuppression", id_)
    assert (row["sc_requestresubscribe"], row["_modifiedby_value"]) == (True, world.env.operator)


@pytest.mark.parametrize(
    ("kind", "code"), [("requests", "0x80072322"), ("time", "0x80072321"), ("concurrent", "0x80072326")]
)
def test_service_protection(world, kind, code):
    """Each limit is a 429 with its code and a Retry-After in seconds, for as many requests as planned."""
    world.control("limit", kind=kind, times=1, after=1, retry_after=7, path="contacts")
    assert world.call("GET", "contacts").status_code == 200
    answer = world.call("GET", "contacts")
    assert (*world.code(answer), answer.headers["Retry-After"]) == (429, code, "7")
    assert world.call("GET", "contacts").status_code == 200


def test_the_limit_of_requests_in_five_minutes(world):
    """So many requests of one user in five minutes, and no more; then the window has moved."""
    world.control("settings", request_limit=3)
    assert [world.call("GET", "WhoAmI").status_code for _ in range(4)] == [200, 200, 200, 429]
    world.control("settings", clock_offset=301)
    assert world.call("GET", "WhoAmI").status_code == 200


def test_on_premises_has_no_limits(old, world):
    """8.2 never answers 429, and recommends no parallelism; 365 does."""
    old.control("limit", kind="requests")
    answer = old.call("GET", "WhoAmI")
    assert (answer.status_code, "x-ms-dop-hint" in answer.headers) == (200, False)
    assert int(world.call("GET", "WhoAmI").headers["x-ms-dop-hint"]) > 0


def test_a_default_of_true(world):
    """Where an admin made the flag's default true, a new row is born with it."""
    world.control("default", column="lead.donotbulkemail", value=True)
    id_ = world.control("create", table="lead", values={"lastname": "Person"})["id"]
    assert world.row("lead", id_)["donotbulkemail"] is True
    assert world.row("contact", world.contact())["donotbulkemail"] is False


def test_a_merge_keeps_the_winner(world):
    """The loser of a merge is inactive and names the winner, who takes what was chosen."""
    winner, loser = world.contact("a@x.com"), world.contact("b@x.com", donotbulkemail=True)
    world.control("merge", table="contact", winner=winner, losers=[loser], values={"donotbulkemail": True})
    assert world.row("contact", winner)["donotbulkemail"] is True
    row = world.row("contact", loser)
    assert (row["statecode"], row["statuscode"], row["merged"], row["_masterid_value"]) == (1, 2, True, winner)


def test_a_right_of_basic_depth_reaches_ones_own_rows(world):
    """With basic depth a user reads, writes and deletes what they own, and is refused the rest."""
    world.control("rights", rights={f"prv{deed}Contact": "Basic" for deed in ("Read", "Write", "Delete")})
    others = f"contacts({world.contact()})"
    own = world.call("POST", "contacts", json={"lastname": "Mine"}).headers["OData-EntityId"]
    assert world.found("contacts", column="lastname") == ["Mine"]
    for path, expected in ((own, {200, 204}), (others, {403})):
        assert world.call("GET", path).status_code in expected
        assert patch(world, path, {"firstname": "Ada"}).status_code in expected
        assert world.call("DELETE", path).status_code in expected


@pytest.mark.parametrize(
    ("header", "privilege"),
    [
        ("CallerObjectId", "prvActOnBehalfOfAnotherUser"),
        ("MSCRMCallerID", "prvActOnBehalfOfAnotherUser"),
        ("MSCRM.BypassCustomPluginExecution", "prvBypassCustomPlugins"),
    ],
)
def test_acting_as_somebody_else_needs_a_right(world, header, privilege):
    """A header that acts as another user, or passes over plug-ins, is a 403 for the connector's user."""
    answer = world.call("GET", "WhoAmI", headers={header: "true"})
    assert world.code(answer) == (403, "0x80040220")
    assert privilege in answer.json()["error"]["message"]
