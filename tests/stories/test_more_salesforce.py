"""Person accounts, converted leads, notes of each kind, the budget, and answers that are not whole."""

from __future__ import annotations

import pytest
from connector.emulators.faults import Fault

requirement = pytest.mark.requirement

ACCOUNT = """    - name: Account
      box: Resubscribe_Requested__pc
      request_date: Resubscribe_Request_Date__pc
      status: Resubscription_Status__pc
"""


def _yaml(town, old: str, new: str) -> None:
    path = town.emulated.config / "tenants" / "acme.yaml"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    town._houses.clear()


@requirement("S4", "S1")
def test_person_accounts_work_in_both_ways(town):
    """A person account is restricted by a stop of its address, and freed by the person's own way; its hidden contact counts once."""
    town.org.enable_person_accounts()
    _yaml(town, "esp:\n", ACCOUNT + "esp:\n")
    account = town.control("create", object="Account", values={"LastName": "P", "PersonEmail": "pat@example.com"})["id"]
    town.control("update", object="Account", id=account, values={"PersonHasOptedOutOfEmail": True})
    assert town.run("check", "acme").code == 0
    town.sync()
    assert town.suppressed("pat@example.com")
    town.sign_up("pat@example.com")
    town.sync()
    town.confirm("pat@example.com")
    town.sync()
    row = town.row(account)
    assert row["PersonHasOptedOutOfEmail"] is False
    assert row["Resubscription_Status__pc"].startswith("Resubscribed")
    assert town.tasks(row["PersonContactId"])
    assert [s["where"] for s in town.explain("pat@example.com")["sides"] if "Contact/" in s["where"]] == []


def test_a_converted_lead_is_evidence_and_is_not_written(town):
    """What a lead said before its conversion goes on to hold for the contact; the lead itself is left alone."""
    lead = town.record("Lead", "lea@example.com", HasOptedOutOfEmail=True)
    town.sync()
    contact = town.control("convert", id=lead)["id"]
    town.org.writes.clear()
    town.sync()
    assert town.opted_out(contact)
    assert [w for w in town.org.writes if w["id"] == lead] == []
    town.sign_up("lea@example.com")
    town.sync()
    town.confirm("lea@example.com")
    town.sync()
    assert not town.opted_out(contact)
    assert town.state("lea@example.com") == "completed"


def test_a_deleted_contact_leaves_the_suppression(town):
    """A deleted record leaves the cluster; the suppression stays, and restricts whoever comes with that address later."""
    ada = town.contact("ada@example.com", HasOptedOutOfEmail=True)
    town.sync()
    town.control("delete", object="Contact", id=ada)
    town.sync()
    assert town.suppressed("ada@example.com")
    again = town.contact("ada@example.com")
    town.sync()
    assert town.opted_out(again)


@requirement("S46")
@pytest.mark.parametrize("kind", ["content_note", "field"])
def test_notes_of_each_kind_are_written_once(town, kind):
    """A content note is linked to the record; a notes field keeps what was there; a repeated run adds nothing."""
    _yaml(town, "esp:\n", f"  notes: {{kind: {kind}}}\nesp:\n")
    ada = town.contact("ada@example.com", HasOptedOutOfEmail=True, Suppression_Notes__c="what was there")
    town.sync()
    town.sign_up("ada@example.com")
    town.sync()
    town.confirm("ada@example.com")
    town.sync()
    town.sync()
    if kind == "field":
        notes = town.row(ada)["Suppression_Notes__c"]
        assert notes.startswith("what was there\n")
        assert notes.count("Request ") == 1
    else:
        links = [r for r in town.org.rows("ContentDocumentLink").values() if r["LinkedEntityId"] == ada]
        assert len(links) == 1
        assert len(town.org.rows("ContentNote")) == 1


@requirement("N13")
def test_below_the_reserve_only_opt_outs_are_sent(town):
    """With few calls left a stop still reaches the CRM, and a lift waits."""
    ada, bo = town.contact("ada@example.com", HasOptedOutOfEmail=True), town.contact("bo@example.com")
    town.sync()
    town.sign_up("ada@example.com")
    town.sync()
    town.confirm("ada@example.com")
    from connector.core.suppression import Reason

    town.house.platform("acme").suppress("bo@example.com", Reason.UNSUBSCRIBED, town.house.clock.now())
    town.control("settings", limit=1000, used=950)
    town.sync(code=1)
    assert town.opted_out(bo)
    assert town.opted_out(ada)
    town.control("settings", limit=1_000_000)


@pytest.mark.parametrize("kind", ["empty_body", "short_body", "wrong_body", "cut_body"])
def test_an_answer_that_is_not_whole_lifts_nobody(town, kind):
    """A truncated, empty or foreign answer to the full read leaves every block where it is, and ends with exit code 5."""
    ids = [town.contact(f"p{n}@example.com", HasOptedOutOfEmail=True) for n in range(3)]
    town.sync()
    town.emulated.crm.faults.faults.append(Fault(kind=kind, path="results$", times=100))
    result = town.run("sync", "acme", "--sweep")
    assert result.code == 5
    assert result.out.strip().endswith(".")
    assert all(town.opted_out(i) for i in ids)
    assert all(town.suppressed(f"p{n}@example.com") for n in range(3))


@requirement("N14")
def test_a_clock_that_is_off_is_corrected(town):
    """An org whose clock is nine minutes ahead changes nothing about who may be mailed."""
    ada = town.contact("ada@example.com", HasOptedOutOfEmail=True)
    town.control("settings", clock_offset=540)
    town.sync()
    found = town.run("check", "acme", "--json").json()["acme"]
    assert [f["level"] for f in found if f["what"] == "clock"] == ["warning"]
    town.sign_up("ada@example.com")
    town.sync()
    town.confirm("ada@example.com")
    town.sync()
    assert not town.opted_out(ada)
    town.change("Contact", ada, HasOptedOutOfEmail=True)
    town.sync()
    assert town.suppressed("ada@example.com")


def test_a_locked_row_is_tried_again(town):
    """A row that somebody holds is written once it is free, and blocks no other."""
    ada = town.contact("ada@example.com")
    town.sync()
    from connector.core.suppression import Reason

    town.house.platform("acme").suppress("ada@example.com", Reason.UNSUBSCRIBED, town.house.clock.now())
    town.control("lock", id=ada, times=2)
    town.sync()
    assert town.opted_out(ada)


def test_jwt_signs_in_through_the_product(town, tmp_path):
    """A tenant with a certificate instead of a secret syncs."""
    import datetime

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import rsa
    from cryptography.x509.oid import NameOID

    key = rsa.generate_private_key(65537, 2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test")])
    now = datetime.datetime.now(datetime.UTC)
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    made = made.serial_number(1).not_valid_before(now).not_valid_after(now + datetime.timedelta(days=1))
    town.org.certificate_pem = made.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()
    secret = town.folder / "secrets" / "jwt"
    pem, pkcs8, plain = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    secret.write_bytes(key.private_bytes(pem, pkcs8, plain))
    path = town.emulated.config / "tenants" / "acme.yaml"
    text = path.read_text()
    begin, end = text.index("  auth:"), text.index("  objects:")
    jwt = (
        f'  auth: {{kind: jwt, client_id: client, username: {town.org.username}, private_key: "file:../secrets/jwt"}}\n'
    )
    path.write_text(text[:begin] + jwt + text[end:])
    town.contact("ada@example.com", HasOptedOutOfEmail=True)
    town.sync()
    assert town.suppressed("ada@example.com")


def test_the_old_login_works_and_is_warned_of(town):
    """User, password and token sign in, and check says when that ends."""
    for name, value in (("password", town.org.password), ("token", town.org.token)):
        (town.folder / "secrets" / name).write_text(value)
    path = town.emulated.config / "tenants" / "acme.yaml"
    text = path.read_text()
    begin, end = text.index("  auth:"), text.index("  objects:")
    auth = (
        f'  auth: {{kind: password, username: {town.org.username}, password: "file:../secrets/password", '
        'token: "file:../secrets/token"}\n'
    )
    path.write_text(text[:begin] + auth + text[end:])
    found = town.run("check", "acme", "--json").json()["acme"]
    assert any("Summer '27" in f["found"] and f["level"] == "warning" for f in found)
    town.sync()


@requirement("N20", "S22")
def test_a_wrong_secret_is_one_plain_sentence(town):
    """A refused login is a configuration error that names the setting, and prints no secret."""
    town.org.client_secret = "another"
    refused = town.run("sync", "acme")
    assert refused.code == 2
    assert "crm.auth" in refused.out
    assert "another" not in refused.out
