"""The package that an admin deploys: whole, alike for Contact and Lead, and in the words that the connector uses.

No org was at hand. What Salesforce refuses at deployment is tested here as far as it is known: a permission without those
that it depends on, an action without its object, a name that nothing in the package or the standard carries.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from xml.etree import ElementTree

import pytest
from connector.adapters.crm.salesforce.settings import Settings
from connector.emulators.salesforce.org import PERMISSION, REFUSED_TICK
from connector.emulators.salesforce.schema import PACKAGE_FIELDS

PROJECT = Path(__file__).parents[2] / "deploy" / "salesforce"
ROOT = PROJECT / "force-app" / "main" / "default"
XMLNS = "http://soap.sforce.com/2006/04/metadata"
NS = {"m": XMLNS}
TYPES = {"Checkbox": "boolean", "DateTime": "datetime", "Text": "string", "LongTextArea": "textarea"}
KINDS = ("Contact", "Lead")
FILES = sorted(ROOT.rglob("*.xml"))
OBJECT_RIGHTS = {
    "allowCreate": {"allowRead"},
    "allowEdit": {"allowRead"},
    "allowDelete": {"allowRead", "allowEdit"},
    "viewAllRecords": {"allowRead"},
    "modifyAllRecords": {"allowRead", "allowEdit", "allowDelete", "viewAllRecords"},
}
"""Salesforce refuses a permission set in which a right stands without those that it depends on."""
USER_RIGHTS = {"ViewSetup": {"ViewRoles"}}


def _tree(path: Path) -> ElementTree.Element:
    return ElementTree.parse(path).getroot()


def _said(tree: ElementTree.Element, name: str) -> str:
    return tree.findtext(f"m:{name}", namespaces=NS) or ""


def _set(name: str) -> ElementTree.Element:
    return _tree(ROOT / "permissionsets" / f"{name}.permissionset-meta.xml")


def _fields(tree: ElementTree.Element) -> dict[str, tuple[bool, bool]]:
    """Readable and editable, by `Object.Field`."""
    found = tree.findall("m:fieldPermissions", NS)
    return {_said(f, "field"): (_said(f, "readable") == "true", _said(f, "editable") == "true") for f in found}


def _user_rights(tree: ElementTree.Element) -> set[str]:
    return {_said(p, "name") for p in tree.findall("m:userPermissions", NS) if _said(p, "enabled") == "true"}


@pytest.mark.requirement("S8")
@pytest.mark.parametrize("path", FILES, ids=lambda p: p.name)
def test_every_file_is_metadata_named_after_its_kind(path):
    """Each file is well-formed, of the metadata namespace, and its name ends in the kind that its root says."""
    kind = path.name.removesuffix("-meta.xml").rpartition(".")[2]
    root = _tree(path).tag.removeprefix(f"{{{XMLNS}}}")
    assert root.removeprefix("Custom").lower() == kind.removeprefix("custom").lower()
    if named := _said(_tree(path), "fullName"):
        assert path.name.partition(".")[0] == named


@pytest.mark.requirement("S8")
def test_the_project_deploys_the_folder_at_the_version_that_the_connector_speaks():
    """`sf project deploy start` finds the folder, and deploys it at the adapter's own API version."""
    project = json.loads((PROJECT / "sfdx-project.json").read_text(encoding="utf-8"))
    assert [d["path"] for d in project["packageDirectories"]] == ["force-app"]
    assert project["sourceApiVersion"] == Settings.model_fields["api_version"].default


@pytest.mark.requirement("S8", "S9", "S4")
@pytest.mark.parametrize("kind", KINDS)
def test_both_objects_get_every_field_and_the_box_is_tracked(kind):
    """Contact and Lead get the fields that the emulated package has, of the same type; only the box's history is tracked."""
    fields = {_said(_tree(p), "fullName"): _tree(p) for p in (ROOT / "objects" / kind / "fields").glob("*.xml")}
    assert set(fields) == {f.name for f in PACKAGE_FIELDS}
    for field in PACKAGE_FIELDS:
        tree = fields[field.name]
        assert TYPES[_said(tree, "type")] == field.type
        assert _said(tree, "label") == field.label
        assert (_said(tree, "trackHistory") == "true") is (field.name == "Resubscribe_Requested__c")
    assert _said(_tree(ROOT / "objects" / kind / f"{kind}.object-meta.xml"), "enableHistory") == "true"


@pytest.mark.requirement("S4")
def test_contact_and_lead_are_alike():
    """Whatever Contact gets, Lead gets in the same words."""
    told: dict[str, dict[str, str]] = {kind: {} for kind in KINDS}
    for path in FILES:
        if path.parent.name in ("permissionsets", "customPermissions"):
            continue
        (kind,) = (k for k in KINDS if k in str(path.relative_to(ROOT)))
        name = str(path.relative_to(ROOT)).replace(kind, "OBJECT")
        told[kind][name] = path.read_text(encoding="utf-8").replace(f">{kind}<", ">OBJECT<")
    assert told["Contact"] == told["Lead"]
    for path in (ROOT / "permissionsets").glob("*.xml"):
        rights = _fields(_tree(path))
        contact = {n.partition(".")[2]: r for n, r in rights.items() if n.startswith("Contact.")}
        assert contact == {n.partition(".")[2]: r for n, r in rights.items() if n.startswith("Lead.")}


@pytest.mark.requirement("S5", "S6")
@pytest.mark.parametrize("kind", KINDS)
def test_the_validation_rule_says_what_the_connector_says(kind):
    """The rule asks for the permission by its name and refuses with the very words of the emulated org."""
    (path,) = (ROOT / "objects" / kind / "validationRules").glob("*.xml")
    tree = _tree(path)
    formula = _said(tree, "errorConditionFormula")
    assert _said(tree, "active") == "true"
    assert f"NOT($Permission.{PERMISSION})" in formula
    assert set(re.findall(r"\w+__c", formula)) == {"Resubscribe_Requested__c"}
    assert _said(tree, "errorMessage") == REFUSED_TICK
    assert len(REFUSED_TICK) <= 255


@pytest.mark.requirement("S9", "S3")
@pytest.mark.parametrize("kind", KINDS)
def test_the_action_is_named_re_subscribe(kind):
    """The quick action works on one record of its own object, is named Re-Subscribe, and ticks the box."""
    tree = _tree(ROOT / "quickActions" / f"{kind}.Re_Subscribe.quickAction-meta.xml")
    assert (_said(tree, "label"), _said(tree, "type")) == ("Re-Subscribe", "Update")
    assert _said(tree, "targetObject") == kind
    override = tree.find("m:fieldOverrides", NS)
    assert override is not None
    assert (_said(override, "field"), _said(override, "literalValue")) == ("Resubscribe_Requested__c", "true")
    assert _said(tree, "quickActionLayout/m:quickActionLayoutColumns/m:quickActionLayoutItems/m:field") == _said(
        override, "field"
    )


@pytest.mark.requirement("S8", "N14")
def test_the_integration_user_reaches_all_that_the_connector_touches():
    """The integration user may read and edit each field, the flag and the address, leave a Task, and read set-up."""
    tree = _set("Suppression_Connector")
    rights = _fields(tree)
    for kind in KINDS:
        for name in (*(f.name for f in PACKAGE_FIELDS), "Email", "HasOptedOutOfEmail"):
            assert rights[f"{kind}.{name}"] == (True, True)
    assert _user_rights(tree) >= {"ApiEnabled", "EditTask", "ViewSetup"}
    seen = {_said(o, "object") for o in tree.findall("m:objectPermissions", NS) if _said(o, "viewAllRecords") == "true"}
    assert seen == {"Account", *KINDS}


@pytest.mark.requirement("S5")
def test_only_operators_hold_the_permission():
    """The custom permission comes with Resubscribe Operators alone: what runs as the integration user never asks."""
    permission = ROOT / "customPermissions" / f"{PERMISSION}.customPermission-meta.xml"
    assert _said(_tree(permission), "label") == "Administrative Data Management"
    assert _set("Resubscribe_Operators").findtext("m:customPermissions/m:name", namespaces=NS) == PERMISSION
    assert _set("Suppression_Connector").find("m:customPermissions", NS) is None
    assert _said(_set("Resubscribe_Operators"), "label") in REFUSED_TICK


@pytest.mark.requirement("S5")
def test_operators_edit_the_box_alone():
    """An operator sees every field and edits the request box, nothing else."""
    rights = _fields(_set("Resubscribe_Operators"))
    assert set(rights) == {f"{kind}.{f.name}" for kind in KINDS for f in PACKAGE_FIELDS}
    assert all(readable for readable, _ in rights.values())
    edited = {name for name, (_, editable) in rights.items() if editable}
    assert edited == {f"{kind}.Resubscribe_Requested__c" for kind in KINDS}


@pytest.mark.parametrize("path", sorted((ROOT / "permissionsets").glob("*.xml")), ids=lambda p: p.name)
def test_no_right_stands_without_those_it_depends_on(path):
    """Salesforce deploys no right without the rights that it depends on, and the connector deletes nothing."""
    tree = _tree(path)
    objects = {_said(o, "object"): o for o in tree.findall("m:objectPermissions", NS)}
    for name, granted in objects.items():
        rights = {right for right in (*OBJECT_RIGHTS, "allowRead") if _said(granted, right) == "true"}
        for right in rights:
            assert OBJECT_RIGHTS.get(right, set()) <= rights, f"{name}: {right}"
        assert "allowDelete" not in rights
    assert "Contact" not in objects or "Account" in objects, "to read contacts one must be able to read accounts"
    for right in _user_rights(tree):
        assert USER_RIGHTS.get(right, set()) <= _user_rights(tree), right


@pytest.mark.requirement("S16")
def test_the_guide_names_what_stands_in_the_package():
    """Each permission set that the guide assigns exists, and it has a part for each kind of edition that `check` points to."""
    guide = (PROJECT / "README.md").read_text(encoding="utf-8")
    sets = {p.name.partition(".")[0] for p in (ROOT / "permissionsets").glob("*.xml")}
    assert set(re.findall(r"assign permset --name (\w+)", guide)) == sets
    for file in FILES:
        if file.parent.name in ("fields", "permissionsets", "customPermissions", "quickActions"):
            assert _said(_tree(file), "label") in guide
    assert {"Professional Edition", "Enterprise and Unlimited Edition"} <= set(re.findall(r"^## (.+)$", guide, re.M))
