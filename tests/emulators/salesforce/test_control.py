"""Control: what it shows, and that it says what it does not understand."""

from __future__ import annotations

import time

from connector.emulators.salesforce import Org
from connector.emulators.salesforce.ids import Ids, checksum, full_id, is_id, long_id
from connector.emulators.town import people


def test_seed_and_rows(world):
    """Seeded rows are there without history or a line in the write log, and rows are read by any field's text."""
    rows = [{"LastName": "A", "Email": "a@x.test"}, {"LastName": "B", "HasOptedOutOfEmail": True}]
    ids = world.control("seed", object="Contact", rows=rows)["ids"]
    get = lambda query="": world.session.get(f"{world.url}/_emulator/rows/Contact{query}").json()  # noqa: E731  # short
    assert [row["Id"] for row in get()] == ids
    assert [row["LastName"] for row in get("?HasOptedOutOfEmail=True")] == ["B"]
    assert [row["LastName"] for row in get(f"?Id={ids[0][:15]}")] == ["A"]
    assert len(get("?limit=1")) == 1
    assert len(world.org.rows("ContactHistory")) == 0
    assert list(world.org.writes) == []
    assert (get("?Id=003000000000999AAA"), get("?Nothing=x")[0]["errorCode"]) == ([], "CONTROL")
    assert world.session.get(f"{world.url}/_emulator/rows/Nothing").status_code == 404


def test_the_write_log(world):
    """Every write to a row is logged with time, object, id, fields and user, until the log is cleared."""
    id_ = world.contact()
    world.code("Contact", id_, {"Title": "x"})
    log = world.session.get(f"{world.url}/_emulator/writes").json()
    assert [(w["object"], w["id"], w["fields"], w["user"]) for w in log] == [
        ("Contact", id_, {"LastName": "Person"}, world.org.admin),
        ("Contact", id_, {"Title": "x"}, world.org.integration),
    ]
    assert log[1]["at"] == world.row("Contact", id_)["SystemModstamp"]
    assert world.session.delete(f"{world.url}/_emulator/writes").json() == []


def test_state_and_people(world):
    """The settings and users can be read."""
    state = world.session.get(f"{world.url}/_emulator/state").json()
    assert (state["edition"], state["package"], state["person_accounts"]) == ("Enterprise Edition", True, False)
    assert state["users"][world.org.plain_user]["permission"] is False
    told = world.session.get(f"{world.url}/_emulator/people").json()
    assert (told["admin"], told["organization"]) == (world.org.admin, world.org.id)


def test_what_control_does_not_understand(world):
    """A deed without its parts is answered with 400, and one that the org refuses in the vendor's form."""
    assert world.control("create")[0]["errorCode"] == "CONTROL"
    assert world.session.post(f"{world.url}/_emulator/settings", json=["x"]).status_code == 400
    assert world.control("update", object="Contact", id="x", values={})[0]["errorCode"] == "MALFORMED_ID"


def test_ids():
    """Ids count up in order, have their checksum, and are the same in both forms."""
    ids = Ids("003")
    made = [next(ids) for _ in range(5000)]
    assert made == [full_id("003", n) for n in range(1, 5001)]
    assert made == sorted(set(made))
    assert checksum("001A0000006Vm9u") == "IAC"
    assert long_id("001A0000006Vm9u") == "001A0000006Vm9uIAC"
    assert [is_id(i) for i in ("001A0000006Vm9u", "001A0000006Vm9uIAC", "001A0000006Vm9uIAD", "x")] == [
        True,
        True,
        False,
        False,
    ]


def test_a_row_reads_like_a_dictionary():
    """Rows are live views by field name; a value that is set is found by the indexes."""
    org = Org()
    org.load_contacts([{"LastName": "A", "Email": "Ann@x.test"}])
    ((id_, row),) = org.rows("Contact").items()
    assert {**row}["Email"] == row.get("Email") == "Ann@x.test"
    assert row.get("Nothing") is None
    row["Email"] = "bob@x.test"
    assert org.tables["Contact"].by_email == {"bob@x.test": (id_,)}
    row["SystemModstamp"] = "2020-01-01T00:00:00.000Z"
    assert [cells[0] for cells in org.tables["Contact"].between("2020", "2021")] == [id_]
    del org.rows("Contact")[id_]
    assert (len(org.rows("Contact")), org.tables["Contact"].by_email) == (0, {})


def test_many_rows_with_one_address():
    """However many rows share an address, each of them is found by it and can leave it."""
    org = Org()
    org.load_contacts({"LastName": str(n), "Email": "One@x.test"} for n in range(100))
    rows, index = org.rows("Contact"), org.tables["Contact"].by_email
    assert set(index["one@x.test"]) == set(rows)
    for id_ in list(rows)[1:]:
        rows[id_]["Email"] = None
    assert list(index["one@x.test"]) == [next(iter(rows))]


def test_fill_is_load_in_columns():
    """The fast way fills the same rows as the plain one."""
    one, two = Org(), Org()
    given = list(people(500))
    names = ("LastName", "FirstName", "Email", "HasOptedOutOfEmail")
    assert one.load("Contact", given) == 500
    assert two.fill("Contact", names, ([row[n] for n in names] for row in given)) == 500
    shown = [[[row[n] for n in ("Id", *names)] for row in org.rows("Contact").values()] for org in (one, two)]
    assert shown[0] == shown[1]


def test_a_large_org_stays_quick(world):
    """Among 60,000 contacts a delta, a look-up by address and an all-or-none write look at few rows only."""
    world.org.load_contacts(people(60_000))
    ids = list(world.org.rows("Contact"))[:200]
    records = [{"attributes": {"type": "Contact"}, "id": i, "Title": "x"} for i in ids]
    start = time.perf_counter()
    world.call("PATCH", "composite/sobjects", json={"allOrNone": True, "records": records})
    stamp = world.row("Contact", ids[0])["SystemModstamp"]
    soql = f"SELECT Id FROM Contact WHERE SystemModstamp >= {stamp} ORDER BY SystemModstamp, Id"
    assert [row["Id"] for row in world.found(soql)] == ids
    for n in range(100):
        assert world.soql(f"SELECT Id FROM Contact WHERE Email IN ('bo.{n}@example.com', 'none')").status_code == 200
    assert time.perf_counter() - start < 10  # a walk over all rows each time takes several times as long
