"""The package that an admin deploys: whole, alike for Contact and Lead, and in the words that the connector uses."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pytest
from connector.emulators.salesforce.org import PERMISSION, REFUSED_TICK
from connector.emulators.salesforce.schema import PACKAGE_FIELDS

ROOT = Path(__file__).parents[2] / "deploy" / "salesforce" / "force-app" / "main" / "default"
NS = {"m": "http://soap.sforce.com/2006/04/metadata"}
TYPES = {"Checkbox": "boolean", "DateTime": "datetime", "Text": "string", "LongTextArea": "textarea"}


def _tree(path: Path) -> ElementTree.Element:
    return ElementTree.parse(path).getroot()


def _said(tree: ElementTree.Element, name: str) -> str:
    return tree.findtext(f"m:{name}", namespaces=NS) or ""


@pytest.mark.requirement("S8", "S9", "S4")
@pytest.mark.parametrize("kind", ["Contact", "Lead"])
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


@pytest.mark.requirement("S5", "S6")
@pytest.mark.parametrize("kind", ["Contact", "Lead"])
def test_the_validation_rule_says_what_the_connector_says(kind):
    """The rule asks for the permission by its name and refuses with the very words of the emulated org."""
    (path,) = (ROOT / "objects" / kind / "validationRules").glob("*.xml")
    tree = _tree(path)
    assert _said(tree, "active") == "true"
    assert f"NOT($Permission.{PERMISSION})" in _said(tree, "errorConditionFormula")
    assert _said(tree, "errorMessage") == REFUSED_TICK


@pytest.mark.requirement("S9", "S3")
@pytest.mark.parametrize("kind", ["Contact", "Lead"])
def test_the_action_is_named_re_subscribe(kind):
    """The quick action works on one record, is named Re-Subscribe, and ticks the box."""
    tree = _tree(ROOT / "quickActions" / f"{kind}.Re_Subscribe.quickAction-meta.xml")
    assert (_said(tree, "label"), _said(tree, "type")) == ("Re-Subscribe", "Update")
    override = tree.find("m:fieldOverrides", NS)
    assert override is not None
    assert (_said(override, "field"), _said(override, "literalValue")) == ("Resubscribe_Requested__c", "true")


def test_the_permission_sets_reach_every_field():
    """The integration user may read and edit each field and the flag; both sets grant the custom permission."""
    for name in ("Suppression_Connector", "Resubscribe_Operators"):
        tree = _tree(ROOT / "permissionsets" / f"{name}.permissionset-meta.xml")
        assert tree.findtext("m:customPermissions/m:name", namespaces=NS) == PERMISSION
        granted = {p.findtext("m:field", namespaces=NS) for p in tree.findall("m:fieldPermissions", NS)}
        for kind in ("Contact", "Lead"):
            assert {f"{kind}.{f.name}" for f in PACKAGE_FIELDS} <= granted
            if name == "Suppression_Connector":
                assert {f"{kind}.HasOptedOutOfEmail", f"{kind}.Email"} <= granted
    permission = ROOT / "customPermissions" / f"{PERMISSION}.customPermission-meta.xml"
    assert _said(_tree(permission), "label") == "Administrative Data Management"
