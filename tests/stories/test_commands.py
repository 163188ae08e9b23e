"""What an operator types, and what it answers."""

from __future__ import annotations

import csv
import io
import sqlite3

import pytest
from connector.core.lists import ListStatus

requirement = pytest.mark.requirement


def test_help_lists_every_command_and_each_has_its_own(town):
    """Every command is in the help, loads, and says what it does."""
    from connector.cli.group import COMMANDS

    shown = town.run("--help").out
    for name in COMMANDS:
        assert f"  {name}" in shown
        assert town.run(name, "--help").code == 0


def test_exit_codes_of_wrong_use(town):
    """A tenant that is not there is a configuration error with the next step named."""
    refused = town.run("sync", "nobody")
    assert refused.code == 2
    assert "connector init nobody" in refused.out
    assert town.run("sync").code == 2
    assert town.run("explain", "acme", "no address").code == 2


def test_init_writes_a_file_that_checks_once_filled_in(tmp_path, town):
    """init writes both files, never over one that is there, and their only faults are the secrets not yet given."""
    from click.testing import CliRunner
    from connector.cli.group import connector

    folder = tmp_path / "fresh"
    first = CliRunner().invoke(connector, ["--config", str(folder), "init", "acme"])
    assert first.exit_code == 0
    again = CliRunner().invoke(connector, ["--config", str(folder), "init", "acme"])
    assert again.exit_code == 2
    assert "is there already" in again.stderr
    check = CliRunner().invoke(connector, ["--config", str(folder), "check"])
    assert check.exit_code == 2
    assert "CONNECTOR_DIGEST_KEY is not set" in check.stderr


@requirement("N9")
def test_the_breaker_holds_lifts_and_opt_outs_pass(town):
    """More lifts than policy allows in a day are held with exit code 3 until approved; opt-outs are never held."""
    town.tenant(policy="{confirm: none, lift_limit: 1, lift_floor: 1}")
    people = {f"p{n}@example.com": town.contact(f"p{n}@example.com", HasOptedOutOfEmail=True) for n in range(4)}
    town.sync()
    for id_ in people.values():
        town.change("Contact", id_, user="operator", Resubscribe_Requested__c=True)
    late = town.contact("late@example.com", HasOptedOutOfEmail=True)
    town.sync(code=3)
    assert sum(not town.opted_out(i) for i in people.values()) == 1
    assert town.suppressed("late@example.com")
    held = town.run("approve", "acme", "--json").json()
    assert len({h["address"] for h in held}) == 3
    assert town.run("approve", "acme", "--all").code == 2
    assert town.run("approve", "acme", "--all", "--by", "Jo", "--reason", "a campaign").code == 0
    town.sync()
    assert [town.opted_out(i) for i in people.values()] == [False] * 4
    assert town.opted_out(late)


@requirement("N1")
def test_drift_names_each_difference_with_its_cause(town):
    """Drift compares in full, names a flag cleared by hand and a new opt-out, and writes nothing."""
    ada = town.contact("ada@example.com", HasOptedOutOfEmail=True)
    town.sync()
    assert town.run("drift", "acme").code == 0
    town.change("Contact", ada, HasOptedOutOfEmail=False)
    town.contact("bo@example.com", HasOptedOutOfEmail=True)
    writes = len(town.org.writes)
    found = town.run("drift", "acme", "--json")
    assert found.code == 1
    by_address = {d["address"]: d for d in found.json()["differences"]}
    assert "cleared by hand" in by_address["ada@example.com"]["cause"]
    assert by_address["bo@example.com"]["where"] == "esp"
    assert len(town.org.writes) == writes
    assert town.member("bo@example.com") is None


@requirement("N10")
def test_verify_names_the_row_that_was_changed(town):
    """A ledger row edited behind our back is found and named."""
    town.contact("ada@example.com", HasOptedOutOfEmail=True)
    town.sync()
    assert town.run("ledger", "verify").code == 0
    database = sqlite3.connect(town.folder / "connector.db")
    with database:
        database.execute("DROP TRIGGER ledger_no_update")
        database.execute("UPDATE ledger SET because = 'nothing' WHERE seq = 2")
    database.close()
    broken = town.run("ledger", "verify")
    assert broken.code == 1
    assert "row 2" in broken.out


def test_the_ledger_cannot_be_edited_in_passing(town):
    """The database itself refuses to change or remove a ledger row."""
    town.contact("ada@example.com", HasOptedOutOfEmail=True)
    town.sync()
    database = sqlite3.connect(town.folder / "connector.db")
    for statement in ("UPDATE ledger SET because = ''", "DELETE FROM ledger"):
        with pytest.raises(sqlite3.DatabaseError, match="append-only"):
            database.execute(statement)
    database.close()


@requirement("S15")
def test_lists_export_builds_a_list_of_subscribers(town):
    """Subscribed in, unsubscribed and opted out not, from the values that the sync wrote."""
    for name in ("in", "out", "stop"):
        town.contact(f"{name}@example.com")
        town.house.platform("acme").set_list(
            f"{name}@example.com", "News", ListStatus.SUBSCRIBED, town.house.clock.now()
        )
    town.sync()
    town.house.platform("acme").set_list("out@example.com", "News", ListStatus.UNSUBSCRIBED, town.house.clock.now())
    stop = next(r["Id"] for r in town.org.rows("Contact").values() if r["Email"] == "stop@example.com")
    town.change("Contact", stop, HasOptedOutOfEmail=True)
    town.sync()
    rows = list(csv.DictReader(io.StringIO(town.run("lists", "export", "acme", "News").out)))
    assert [r["address"] for r in rows] == ["in@example.com"]
    assert town.run("lists", "export", "acme", "Nothing").code == 2


def test_import_takes_good_rows_and_names_bad_ones(town, tmp_path):
    """Columns are named, a dry run changes nothing, bad rows are told by line, and the CRM is restricted at the next sync."""
    ada = town.contact("ada@example.com")
    file = tmp_path / "export.csv"
    file.write_text(
        "Email,Why,When\nAda@Example.com,ISP Complaint,2025-01-02\nno address,unsubscribed,\nb@x.test,,yesterday\n"
    )
    words = ("import", "acme", str(file), "--address", "email", "--reason", "why", "--since", "When", "--json")
    dry = town.run(*words, "--dry-run").json()
    assert dry["taken"] == {"complained": 1}
    assert [b["line"] for b in dry["bad"]] == [3, 4]
    assert not town.suppressed("ada@example.com")
    assert town.run(*words).code == 1
    town.sync()
    assert town.opted_out(ada)
    (held,) = town.explain("ada@example.com")["suppressions"]
    assert (held["reason"], held["since"][:10]) == ("complained", "2025-01-02")
    assert town.run("import", "acme", str(file), "--address", "Mail").code == 2


def test_suppressions_are_listed_and_exported(town):
    """Who is suppressed and why, for people, for programs, and as CSV that no spreadsheet takes for a formula."""
    town.contact("ada@example.com", HasOptedOutOfEmail=True)
    town.sync()
    assert "ada@example.com" in town.run("suppressions", "list", "acme").out
    rows = list(csv.DictReader(io.StringIO(town.run("suppressions", "export", "acme").out)))
    assert [(r["address"], r["reason"]) for r in rows] == [("ada@example.com", "suppressed")]


def test_backup_is_a_whole_database(town, tmp_path):
    """A copy made while in use holds every row, and is never written over a file that is there."""
    town.contact("ada@example.com", HasOptedOutOfEmail=True)
    town.sync()
    target = tmp_path / "copy.db"
    assert town.run("db", "backup", str(target)).code == 0
    copy = sqlite3.connect(target)
    assert copy.execute("SELECT COUNT(*) FROM suppressions").fetchone() == (1,)
    copy.close()
    assert town.run("db", "backup", str(target)).code == 2


def test_cancel_and_resend(town):
    """A resend sends the mail once more, as a recorded one; a cancelled request lifts nothing."""
    town.tenant(policy="{resend_after: 0s}")
    ada = town.contact("ada@example.com", HasOptedOutOfEmail=True)
    town.sync()
    town.sign_up("ada@example.com")
    town.sync()
    request = town.run("requests", "list", "acme", "--open", "--json").json()[0]["id"]
    assert town.run("requests", "resend", "acme", request).code == 0
    town.sync()
    assert len({m.parsed["Message-ID"] for m in town.mails("ada@example.com")}) == 2
    assert town.run("requests", "cancel", "acme", request, "--reason", "changed their mind").code == 0
    town.sync()
    town.confirm("ada@example.com")
    town.sync()
    assert town.state("ada@example.com") == "cancelled"
    assert town.opted_out(ada)


def test_a_secret_in_the_yaml_is_refused_and_not_printed(town):
    """A secret written into the YAML is refused with its place, and never shown."""
    path = town.emulated.config / "tenants" / "acme.yaml"
    text = path.read_text()
    line = next(n for n, t in enumerate(text.splitlines(), 1) if "client_secret" in t)
    path.write_text(text.replace('"file:../secrets/salesforce_client_secret"', "hunter2-hunter2"))
    refused = town.run("check", "acme")
    assert refused.code == 2
    assert f"acme.yaml:{line}:5: crm.auth.client_secret" in refused.out + refused.err
    assert "hunter2" not in refused.out + refused.err


def test_one_bad_tenant_stops_no_other(town):
    """A mistake in one file is told with line, column and what was meant; the other tenant runs."""
    (town.emulated.config / "tenants" / "bad.yaml").write_text(
        "crm: {kind: salesforce}\nesp: {kind: bultin}\npolici: {}\n"
    )
    result = town.run("sync", "--all")
    assert result.code == 2
    assert "acme    done" in result.out
    assert "bad.yaml:3:1: polici: there is no such key, did you mean policy?" in result.err


@requirement("S2", "S49", "N19")
def test_links_of_a_newsletter_stop_and_bring_back(town, tmp_path):
    """The links command gives each address of a file its own stop and its own way back, and names rows it cannot use."""
    ada, bo = town.contact("ada@example.com"), town.contact("bo@example.com")
    for email in ("ada@example.com", "bo@example.com"):
        town.house.platform("acme").set_list(email, "News", _subscribed(), town.house.clock.now())
    town.sync()
    file = tmp_path / "people.csv"
    file.write_text("name,email\nAda,ada@example.com\nnobody,none\nBo,bo@example.com\n")
    given = town.run("links", "acme", "--csv", str(file), "--mailing", "june", "--json")
    assert (given.code, given.err) == (1, "line 3: has no @\n")
    first, second = given.json()
    assert (first["address"], second["address"]) == ("ada@example.com", "bo@example.com")
    assert town.post(first["unsubscribe"], {"List-Unsubscribe": "One-Click"}).status_code == 200
    town.sync()
    assert (town.opted_out(ada), town.opted_out(bo)) == (True, False)
    assert town.post(first["resubscribe"]).status_code == 200
    town.sync()
    town.sync()
    assert (town.opted_out(ada), town.suppressed("ada@example.com")) == (False, False)
    plain = town.run("links", "acme", "ada@example.com", "--mailing", "june")
    assert plain.out.splitlines()[0] == "address,unsubscribe,resubscribe"
    assert first["unsubscribe"] in plain.out
    assert town.run("links", "acme", "ada@example.com", "--list", "Nws").code == 2
    assert town.run("links", "acme").code == 2


@requirement("S12", "S13", "S14")
def test_a_list_link_leaves_one_list_everywhere(town):
    """One click on a list's link reaches that list's CRM field at the next sync; the flag and the other list stay."""
    ada = town.contact("ada@example.com")
    platform, now = town.house.platform("acme"), town.house.clock.now()
    for name in ("News", "Offers"):
        platform.set_list("ada@example.com", name, _subscribed(), now)
    town.sync()
    (given,) = town.run("links", "acme", "ada@example.com", "--list", "Offers", "--json").json()
    for _ in range(2):
        assert town.post(given["unsubscribe"], {"List-Unsubscribe": "One-Click"}).status_code == 200
    town.sync()
    row = town.row(ada)
    assert (row["News_List__c"], row["Offers_List__c"], row["HasOptedOutOfEmail"]) == (True, "Unsubscribed", False)
    assert not town.suppressed("ada@example.com")
    assert town.run("plan", "acme", "--json").json()["actions"] == []


def _subscribed():
    from connector.core.lists import ListStatus

    return ListStatus.SUBSCRIBED


@requirement("S49", "N19")
def test_one_click_from_a_newsletter_stops_a_person_known_by_digest_alone(town):
    """A contact who never asked is kept as a digest; the click in a newsletter still restricts the record and suppresses."""
    from connector.core.token import LinkDeed

    ada = town.contact("ada@example.com")
    town.sync()
    store = town.house.store("acme")
    assert store.address(store.digest("ada@example.com")) is None
    url = town.house.letters("acme").url(LinkDeed.UNSUBSCRIBE, store.digest("ada@example.com"))
    answer = town.post(url, {"List-Unsubscribe": "One-Click"})
    assert (answer.status_code, "unsubscribed" in answer.text) == (200, True)
    town.sync()
    assert town.opted_out(ada)
    town.sync()
    assert town.suppressed("ada@example.com")
