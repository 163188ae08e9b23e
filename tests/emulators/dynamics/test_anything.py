"""Whatever is asked: an answer or a refusal, never a broken server."""

from __future__ import annotations

import json

from connector.emulators.dynamics import Environment, service
from connector.emulators.dynamics.asks import Ask
from hypothesis import given
from hypothesis import strategies as st

ROOT = "http://127.0.0.1/api/data/v9.2"
ENV = Environment(solution="9.0.0.0")
ID = ENV.plain("contact", lastname="Person", emailaddress1="a+b@x.com")
ROLE = ENV.find("role", name="System Customizer")["roleid"]

WORDS = (
    "contacts leads annotations EntityDefinitions WhoAmI $batch $metadata $count $ref Attributes Keys systemusers "
    f"contacts({ID}) contacts() contacts(1) contacts(emailaddress1='x') EntityDefinitions(LogicalName='contact') "
    f"roles({ROLE}) Microsoft.Dynamics.CRM.AddPrivilegesRole $ref systemuserroles_association "
    "Microsoft.Dynamics.CRM.UpdateMultiple Microsoft.Dynamics.CRM.BooleanAttributeMetadata %ff %27 ( $1 RetrieveVersion()"
).split()
TOKENS = (
    "emailaddress1 donotbulkemail modifiedon contactid statecode nothing eq ne gt and or not ( ) , / null true 1 1.5 "
    f"'a' 'o''b' ' {ID} 2026-11-22T00:00:00Z 2026-13-45T99:00:00Z 2026-11-22 @p contains( startswith( [ ] \"a\" "
    "Microsoft.Dynamics.CRM.In( PropertyName= PropertyValues= LogicalName desc % + \\"
).split()
OPTIONS = ["$select", "$filter", "$orderby", "$top", "$count", "$skiptoken", "$deltatoken", "$expand", "@p", "nothing"]
NAMES = [
    "emailaddress1",
    "donotbulkemail",
    "statecode",
    "modifiedon",
    "contactid",
    "Targets",
    "Privileges",
    "SchemaName",
    "Attributes",
    "@odata.type",
    "@odata.id",
    "DisplayName",
    "parentcustomerid_account@odata.bind",
    "objectid_contact@odata.bind",
    "KeyAttributes",
    "OptionSet",
    "TrueOption",
    "FalseOption",
    "Options",
    "Value",
    "Label",
    "LocalizedLabels",
    "MaxLength",
    "IsPrimaryName",
    "LogicalName",
    "PrivilegeId",
    "Depth",
    "EntityNames",
    "contactid",
]
TYPES = [
    f"Microsoft.Dynamics.CRM.{n}"
    for n in (
        "contact",
        "EntityMetadata",
        "StringAttributeMetadata",
        "BooleanAttributeMetadata",
        "PicklistAttributeMetadata",
    )
]
TYPES += ["sc_new", f"/contacts({ID})", ID]
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inside: (
        st.lists(inside, max_size=3) | st.dictionaries(st.sampled_from(["Targets", "SchemaName", "a"]), inside)
    ),
    max_leaves=6,
)
HEADERS = {
    "if-match": st.sampled_from(["*", 'W/"1"', "x"]),
    "if-none-match": st.sampled_from(["*", "null", 'W/"1"']),
    "prefer": st.sampled_from(
        ["odata.track-changes", "odata.maxpagesize=2", "return=representation", "odata.maxpagesize=x", '"']
    ),
}


@given(
    method=st.sampled_from(["GET", "POST", "PATCH", "PUT", "DELETE"]),
    path=st.lists(st.sampled_from(WORDS), max_size=3).map("/".join),
    query=st.lists(
        st.tuples(st.sampled_from(OPTIONS), st.lists(st.sampled_from(TOKENS), max_size=6).map("%20".join)).map(
            "=".join
        ),
        max_size=3,
    ).map("&".join),
    body=st.dictionaries(st.sampled_from(NAMES), VALUES, max_size=4).map(json.dumps) | st.text(max_size=8),
    headers=st.fixed_dictionaries({}, optional=HEADERS),
    user=st.sampled_from([ENV.service, ENV.admin, ENV.outsider]),
)
def test_every_request_has_an_answer(method, path, query, body, headers, user):
    """Any path, query, body and header gets an answer of the service's own, and what failed changed nothing."""
    before = len(ENV.writes)
    ask = Ask(
        env=ENV,
        user=user,
        method=method,
        root=ROOT,
        path=path,
        query=query,
        headers={"content-type": "application/json", **headers},
        body=body.encode(),
    )
    found = service.respond(ask)
    assert found.status < 500
    if found.status >= 400:
        assert json.loads(found.body)["error"]["message"]
        assert len(ENV.writes) == before
