"""Users and what they hold, the package and its rule, validation rules."""

from __future__ import annotations

from connector.emulators.salesforce.org import PERMISSION, REFUSED_TICK

TICK = {"Resubscribe_Requested__c": True}


def holders(world) -> set[str]:
    """Who holds the custom permission, by the documented query."""
    (permission,) = world.found(f"SELECT Id FROM CustomPermission WHERE DeveloperName = '{PERMISSION}'")
    soql = (
        "SELECT Assignee.Id FROM PermissionSetAssignment WHERE PermissionSetId IN (SELECT ParentId FROM SetupEntityAccess "
        f"WHERE SetupEntityType = 'CustomPermission' AND SetupEntityId = '{permission['Id']}')"
    )
    return {row["Assignee"]["Id"] for row in world.found(soql)}


def test_who_holds_the_permission(world):
    """The documented query finds who holds a custom permission, as sets are assigned and taken away."""
    org = world.org
    assert holders(world) == {org.integration, org.admin, org.operator}
    new = world.control("user", username="new@example.com", name="New", profile="Standard User")["id"]
    world.control("assign", user=new, permission_set="Resubscribe_Operators")
    world.control("unassign", user=org.operator, permission_set="Resubscribe_Operators")
    assert holders(world) == {org.integration, org.admin, new}
    assert world.control("holds", user=new) == {"permissions": [PERMISSION]}
    assert world.control("holds", user=org.operator) == {"permissions": []}


def test_the_running_users_own_permissions(world):
    """UserSetupEntityAccess tells the running user's own, without the right to view setup."""
    soql = "SELECT DeveloperName, NamespacePrefix, SetupEntityId FROM UserSetupEntityAccess"
    world.control("rights", user=world.org.integration, rights={"ViewSetup": False})
    assert [row["DeveloperName"] for row in world.found(soql)] == [PERMISSION]
    plain = world.soql(soql, token=world.signed_in(world.org.plain_user)).json()
    assert plain["totalSize"] == 0


def test_field_permissions(world):
    """FieldPermissions tells what the package's set grants, through its parent."""
    soql = (
        "SELECT Parent.Name, PermissionsRead, PermissionsEdit FROM FieldPermissions WHERE SobjectType = 'Contact' AND "
        "Field = 'Contact.HasOptedOutOfEmail' AND ParentId IN (SELECT PermissionSetId FROM PermissionSetAssignment "
        f"WHERE AssigneeId = '{world.org.integration}')"
    )
    (row,) = world.found(soql)
    assert (row["Parent"]["Name"], row["PermissionsRead"], row["PermissionsEdit"]) == (
        "Suppression_Connector",
        True,
        True,
    )


def test_the_packages_rule(world):
    """A tick by a user without the permission is refused in the package's words; others, and the integration, may."""
    org, id_ = world.org, world.contact()
    refused = world.control("update", object="Contact", id=id_, values=TICK, user=org.plain_user)
    assert refused == [
        {
            "message": REFUSED_TICK,
            "errorCode": "FIELD_CUSTOM_VALIDATION_EXCEPTION",
            "fields": ["Resubscribe_Requested__c"],
        }
    ]
    assert world.row("Contact", id_)["Resubscribe_Requested__c"] is False
    for user in (org.operator, org.admin, org.integration):
        assert world.control("update", object="Contact", id=id_, values=TICK, user=user) == {}
        world.control("update", object="Contact", id=id_, values={"Resubscribe_Requested__c": False})
    world.control("settings", validation=False)
    assert world.control("update", object="Contact", id=id_, values=TICK, user=org.plain_user) == {}
    soql = "SELECT CreatedById FROM ContactHistory WHERE Field = 'Resubscribe_Requested__c' ORDER BY Id DESC LIMIT 1"
    (row,) = world.found(soql)
    assert row["CreatedById"] == org.plain_user


def test_validation_rules(world):
    """A rule refuses what its conditions say, by its message and field, until it is removed."""
    id_ = world.contact(HasOptedOutOfEmail=False)
    when = [{"field": "HasOptedOutOfEmail", "becomes": True}, {"field": "Phone", "empty": True}]
    rule = {"name": "Phone", "object": "Contact", "message": "A phone is needed.", "error_field": "Phone"}
    assert world.control("rules", **rule, when=when, exempt=[world.org.admin]) == {"rules": ["Phone"]}
    row = world.update("Contact", id_, {"HasOptedOutOfEmail": True})
    error = {"statusCode": "FIELD_CUSTOM_VALIDATION_EXCEPTION", "message": "A phone is needed.", "fields": ["Phone"]}
    assert row["errors"] == [error]
    assert world.code("Contact", id_, {"HasOptedOutOfEmail": True, "Phone": "1"}) == ""
    assert world.control("update", object="Contact", id=id_, values={"Phone": None}) == {}
    made = {"LastName": "N", "HasOptedOutOfEmail": True}
    assert world.call("POST", "sobjects/Contact", json=made).status_code == 400
    assert world.control("create", object="Contact", values=made)["id"]
    world.control("rules", name="Phone")
    assert world.call("POST", "sobjects/Contact", json=made).status_code == 201


def test_the_package_comes_and_goes(world):
    """Without the package its fields, permission, sets and tracking are gone, with what the fields held; it comes back clean."""
    id_ = world.contact(Suppression_Reason__c="r")
    world.control("uninstall")
    names = {f["name"] for f in world.call("GET", "sobjects/Contact/describe").json()["fields"]}
    assert not {n for n in names if n.startswith(("Resub", "Suppression", "News", "Offers"))}
    assert world.soql("SELECT Suppression_Reason__c FROM Contact").json()[0]["errorCode"] == "INVALID_FIELD"
    assert world.found("SELECT Id FROM CustomPermission") == []
    assert world.found("SELECT Id FROM PermissionSet WHERE Name LIKE 'Resub%'") == []
    assert world.code("Contact", id_, {"Title": "x"}) == ""
    world.control("install")
    assert world.found("SELECT Title, Suppression_Reason__c, Resubscribe_Requested__c FROM Contact") == [
        {"Title": "x", "Suppression_Reason__c": None, "Resubscribe_Requested__c": False}
    ]
    assert len(holders(world)) == 3


def test_whether_history_is_tracked(world):
    """The tooling API tells whether a field's history is tracked."""
    soql = (
        "SELECT QualifiedApiName, IsFieldHistoryTracked FROM FieldDefinition "
        "WHERE EntityDefinitionId = 'Contact' AND QualifiedApiName = '%s'"
    )
    tracked = lambda name: world.call("GET", "tooling/query", params={"q": soql % name}).json()["records"]  # noqa: E731  # short
    assert tracked("Resubscribe_Requested__c")[0]["IsFieldHistoryTracked"] is True
    assert tracked("Email")[0]["IsFieldHistoryTracked"] is False
    assert tracked("Nothing") == []


def test_rights_on_objects(world):
    """Who may not edit an object writes no row of it and sees that in the describe; who may not read it sees none."""
    id_, user = world.contact(), world.org.integration
    world.control("rights", user=user, rights={"Edit Contact": False})
    assert world.code("Contact", id_, {"Title": "x"}) == "INSUFFICIENT_ACCESS_OR_READONLY"
    assert (
        world.call("POST", "sobjects/Contact", json={"LastName": "x"}).json()[0]["errorCode"]
        == "INSUFFICIENT_ACCESS_OR_READONLY"
    )
    body = world.call("GET", "sobjects/Contact/describe").json()
    assert (body["updateable"], body["createable"], any(f["updateable"] for f in body["fields"])) == (
        False,
        False,
        False,
    )
    world.control("rights", user=user, rights={"Read Contact": False})
    assert world.soql("SELECT Id FROM Contact").json()[0]["errorCode"] == "INVALID_TYPE"
