"""Reading: the first load, what changed, single looks, and every way in which an answer may fall short."""

from __future__ import annotations

import itertools
import json
from datetime import datetime, timedelta

import pytest
from connector.adapters.crm.salesforce import bulk, reads
from connector.core.address import normalise
from connector.core.errors import ConfigError, ConflictError, TransientError
from connector.core.lists import ListStatus
from connector.core.restriction import Access, Flag

pytestmark = pytest.mark.requirement("N11")


def read(crm, cursor="", place=""):
    """A whole read: the rows by id, and the new cursor."""
    pages = list(crm.changes(cursor, place))
    assert pages[-1].complete
    return {row.id: row for page in pages for row in page.rows}, pages[-1].cursor


def people(world, count, **values):
    """Many contacts, as an import long ago would have left them."""
    world.org.load("Contact", ({"LastName": "P", "Email": f"p{n}@example.com", **values} for n in range(count)))


# -- the first load ----------------------------------------------------------------------------------------------------


def test_the_first_load_is_a_bulk_job(world):
    """All rows come by one bulk job, pages of 100,000, whatever stands in their values."""
    people(world, 100_500)
    odd = world.person("o'brien+ü@example.com", Offers_List__c='Subscribed,"\n')
    gone = world.person("gone@example.com", HasOptedOutOfEmail=True)
    world.delete(gone)
    crm = world.whole()
    world.requests(forget=True)
    told, _ = read(crm)
    assert len(told) == 100_502
    assert told[odd.id].lists["Offers"] is ListStatus.UNREADABLE
    assert (told[gone.id].deleted, told[gone.id].flag) == (True, Flag.SET)
    base = "v62.0/jobs/query"
    job = next(r for r in world.requests() if r.startswith(f"GET {base}/")).removeprefix(f"GET {base}/")
    asked = world.requests()
    assert asked.count(f"GET {base}/{job}/results") == 2
    assert asked.count(f"POST {base}") == 2


def test_a_finished_job_is_noticed_within_a_second(world):
    """Polls come fast at first, and never more than 0.9 seconds apart in the first ten minutes."""
    world.person("ann@example.com")
    world.control("settings", bulk_delay=0.15)
    told, _ = read(world.open())
    assert len(told) == 1
    waits = world.clock.slept
    assert waits[0] == 0.1
    assert max(waits) <= 0.9


def test_a_long_job_costs_few_polls():
    """A job that runs for hours is asked every ten seconds, and after four hours left for the next run."""
    clock, asked = _Clock(), []

    class Api:
        class wire:  # noqa: N801
            pass

        def call(self, *_, **__):
            asked.append(clock.now)
            return bulk.Job(id="750", state="InProgress")

    Api.wire.clock = clock
    with pytest.raises(TransientError, match="has not ended"):
        bulk.wait(Api(), "jobs/query/750", "wait")
    gaps = [b - a for a, b in itertools.pairwise(asked)]
    assert max(gap for at, gap in zip(asked, gaps, strict=False) if at < 600) <= 0.91
    assert len(asked) < 2200


class _Clock:
    """Time that passes by sleeping alone."""

    now = 0.0

    def monotonic(self):
        return self.now

    def sleep(self, seconds):
        self.now += seconds


def test_a_cut_load_goes_on_at_its_page(world, monkeypatch):
    """A load that was cut goes on with the same job at the page it stood in, and nobody is missing."""
    monkeypatch.setattr(bulk, "ROWS_A_PAGE", 40)
    monkeypatch.setattr(bulk, "ROWS_A_PIECE", 15)
    people(world, 100)
    pages = list(world.open().changes(""))
    assert [len(p.rows) for p in pages] == [0, 15, 15, 10, 15, 15, 10, 15, 5, 0]
    world.requests(forget=True)
    seen = {row.id for page in pages[:5] for row in page.rows}
    rest, _ = read(world.open(), "", pages[4].place)
    assert seen | rest.keys() == set(world.org.rows("Contact"))
    assert len(rest) == 60
    assert not [r for r in world.requests() if r.startswith("POST")]


def test_a_read_is_complete_as_of_now(world, monkeypatch):
    """A read that was cut and goes on later also reads what changed since, in the objects it was through with too."""
    monkeypatch.setattr(bulk, "ROWS_A_PIECE", 2)
    refs = [world.person(f"p{n}@example.com", kind) for n in range(4) for kind in ("Contact", "Lead")]
    reading = world.whole().changes("")
    while True:
        page = next(reading)
        if page.rows and page.rows[0].entity == "Lead":
            break
    for ref in refs:
        world.set(ref, HasOptedOutOfEmail=True)
    rest, _ = read(world.whole(), "", page.place)
    assert {i: row.flag for i, row in rest.items()} == dict.fromkeys((ref.id for ref in refs), Flag.SET)


def test_a_job_that_is_gone_is_a_conflict(world):
    """A place in a job that Salesforce no longer has, or whose fields are no longer those asked for, begins anew."""
    people(world, 10)
    place = next(iter(world.open().changes(""))).place
    told, _ = read(world.whole(), "", place)
    assert len(told) == 10
    world.server_state().jobs.clear()
    with pytest.raises(ConflictError):
        read(world.open(), "", place)


def test_a_job_that_was_aborted(world):
    """A job that an administrator aborted is not waited for again in every run: the place is given up."""
    world.control("settings", bulk_delay=60)
    reading = world.open().changes("")
    place = next(reading).place
    for held in world.server_state().jobs.values():
        held["job"]["state"] = "Aborted"
    with pytest.raises(ConflictError, match="Aborted"):
        list(reading)
    with pytest.raises(ConflictError):
        read(world.open(), "", place)


@pytest.mark.parametrize("fault", ["cut_body", "cut_before", "503", "wrong_body"])
def test_a_page_that_is_cut_is_read_again(world, monkeypatch, fault):
    """A page that breaks off in the middle is asked for again, and no row is told twice or lost."""
    monkeypatch.setattr(bulk, "ROWS_A_PIECE", 1000)
    people(world, 12_000)
    crm = world.open()
    world.fault(fault, path="/results", times=2)
    pages = list(crm.changes(""))
    ids = [row.id for page in pages for row in page.rows]
    assert (len(ids), len(set(ids))) == (12_000, 12_000)


def test_a_page_that_is_always_cut(world):
    """A page that breaks off each time is left for the next run."""
    people(world, 12_000)
    world.fault("cut_body", path="/results", times=100)
    with pytest.raises(TransientError):
        list(world.open().changes(""))


# -- what changed ------------------------------------------------------------------------------------------------------


def test_nothing_changed_costs_one_call_for_each_object(world):
    """A read in which nothing changed takes one query for each object, and one to see the org's clock."""
    people(world, 3000)
    crm = world.whole()
    _, cursor = read(crm)
    world.clock.sleep(3600)
    world.requests(forget=True)
    told, _ = read(crm, cursor)
    assert told == {}
    assert world.requests() == ["GET v62.0/query", "GET v62.0/queryAll", "GET v62.0/queryAll"]


def test_many_changes(world, monkeypatch):
    """Thousands of changes come by locator, page after page, in the order of their times; a cut read goes on."""
    monkeypatch.setattr(reads, "ROWS_A_PAGE", 2000)
    crm = world.open()
    _, cursor = read(crm)
    refs = [world.org.new_id("003") for _ in range(5000)]
    stamps = [world.org.now() - timedelta(milliseconds=50 * (5000 - n)) for n in range(5000)]
    for ref, at in zip(refs, stamps, strict=True):
        stamp = f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03d}Z"
        row = {"Id": ref, "LastName": "P", "Email": f"{ref}@example.com", "SystemModstamp": stamp}
        world.org.load("Contact", [row])
    pages = list(crm.changes(cursor))
    assert [len(p.rows) for p in pages] == [2000, 2000, 1000, 0]
    assert [row.id for page in pages for row in page.rows] == refs
    after = json.loads(pages[0].place)["after"]
    assert after == f"{stamps[1999]:%Y-%m-%dT%H:%M:%SZ}"
    rest, _ = read(world.open(), cursor, pages[0].place)
    assert set(refs[2000:]) <= rest.keys()
    assert any(f"SystemModstamp+%3E%3D+{after.replace(':', '%3A')}" in r["query"] for r in world.raw_requests())
    assert json.loads(pages[0].place)["after"] < json.loads(pages[1].place)["after"]


def test_a_lost_locator(world):
    """A locator that Salesforce lost is no end: the read goes on from the second it had come to."""
    crm = world.open()
    _, cursor = read(crm)
    for n in range(4500):
        at = world.org.now() - timedelta(seconds=4500 - n) / 10
        stamp = f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03d}Z"
        world.org.load("Contact", [{"LastName": "P", "Email": f"p{n}@example.com", "SystemModstamp": stamp}])
    reading = crm.changes(cursor)
    world.server_state().locators = _Forgetful()
    told = {row.id for page in reading for row in page.rows}
    assert told == set(world.org.rows("Contact"))


class _Forgetful(dict):
    """Forgets each locator once it was used the first time."""

    def __init__(self):
        super().__init__()
        self.lost = False

    def get(self, key, default=None):
        if not self.lost:
            self.lost = True
            return default
        return super().get(key, default)


def test_overlap_and_order_of_times(world):
    """A window begins ten minutes before the last one ended, so that what was stamped early and seen late is read."""
    crm = world.open()
    _, cursor = read(crm)
    for minutes, name in ((9, "late"), (11, "too.old")):
        at = world.org.now() - timedelta(minutes=minutes)
        stamp = f"{at:%Y-%m-%dT%H:%M:%S}.000Z"
        world.org.load("Contact", [{"LastName": "P", "Email": f"{name}@example.com", "SystemModstamp": stamp}])
    told, _ = read(crm, cursor)
    assert [row.address for row in told.values()] == ["late@example.com"]


@pytest.mark.parametrize("hours", [-7, 7])
def test_the_orgs_clock_rules(world, hours):
    """Windows are the org's time, however wrong ours is."""
    world.control("settings", clock_offset=hours * 3600)
    crm = world.open()
    _, cursor = read(crm)
    ann = world.person("ann@example.com")
    told, _ = read(crm, cursor)
    assert told.keys() == {ann.id}
    mark = datetime.fromisoformat(json.loads(cursor)["Contact"]["mark"])
    assert abs((mark - world.org.now()).total_seconds()) < 10
    assert abs(crm.clock_offset().total_seconds() - hours * 3600) < 2


def test_merged_deleted_and_converted(world):
    """A merge tells the loser with its winner, a restore is told, a converted lead names its contact."""
    crm = world.whole()
    winner, loser = world.person("win@example.com"), world.person("lose@example.com", HasOptedOutOfEmail=True)
    lead = world.person("lead@example.com", "Lead", HasOptedOutOfEmail=True)
    _, cursor = read(crm)
    world.control("merge", object="Contact", winner=winner.id, losers=[loser.id])
    contact = world.control("convert", id=lead.id)["id"]
    told, cursor = read(crm, cursor)
    lost = told[loser.id]
    assert (lost.deleted, lost.merged_into, lost.flag) == (True, str(winner), Flag.SET)
    assert (told[lead.id].access, told[lead.id].merged_into) == (Access.READ_ONLY, f"Contact/{contact}")
    assert told[contact].flag is Flag.CLEAR
    world.control("undelete", object="Contact", id=loser.id)
    told, _ = read(crm, cursor)
    assert (told[loser.id].deleted, told[loser.id].merged_into) == (False, "")


def test_a_new_field_is_read_from_the_start(world):
    """Where the tenant maps a field more, that object is read anew: an older cursor says nothing of it."""
    ann = world.person("ann@example.com", Offers_List__c="Subscribed")
    world.org.load("Lead", [{"LastName": "L", "Company": "C", "Email": "old@example.com"}])
    plain = world.open(objects=[{"name": "Contact"}, {"name": "Lead"}])
    _, cursor = read(plain)
    world.org.rows("Contact")[ann.id]["SystemModstamp"] = "2020-01-01T00:00:00.000Z"
    told, newer = read(world.whole(objects=[{"name": "Contact"}, {"name": "Lead"}]), cursor)
    assert told[ann.id].lists["Offers"] is ListStatus.SUBSCRIBED
    assert json.loads(newer)["Contact"]["select"] != json.loads(cursor)["Contact"]["select"]
    again, _ = read(world.whole(objects=[{"name": "Contact"}, {"name": "Lead"}]), newer)
    assert ann.id not in again


def test_an_object_that_is_added(world):
    """Another object in the YAML is loaded whole beside what the others only changed."""
    world.org.load("Contact", [{"LastName": "P", "Email": "old@example.com"}])
    world.org.load("Lead", [{"LastName": "L", "Company": "C", "Email": "old@example.com"}])
    _, cursor = read(world.open())
    told, _ = read(world.open(objects=[{"name": "Contact"}, {"name": "Lead"}]), cursor)
    assert {row.entity for row in told.values()} == {"Lead"}


def test_person_accounts_are_told_once(world):
    """A person account is told as an account, its hidden contact is not told, a business account is nobody."""
    world.org.enable_person_accounts()
    crm = world.open(objects=[{"name": "Contact"}, {"name": "Account"}])
    person = world.person("ann@example.com", "Account", PersonHasOptedOutOfEmail=True)
    world.control("create", object="Account", values={"Name": "A firm"})
    contact = world.person("bob@example.com")
    told, cursor = read(crm)
    assert told.keys() == {person.id, contact.id}
    assert told[person.id].flag is Flag.SET
    assert read(crm, cursor)[0].keys() == {person.id, contact.id}
    assert [row.id for row in crm.look([normalise("ann@example.com")])] == [person.id]


# -- single looks ------------------------------------------------------------------------------------------------------


def test_a_look_fits_into_a_url(world):
    """However long the addresses are, no address line is longer than 16 kB, and all are asked for."""
    addresses = [normalise(f"{'ü' * 60}{n}@exämple.com") for n in range(300)]
    ann = world.person(f"{'a' * 60}@example.com")
    crm = world.open()
    world.requests(forget=True)
    assert [row.id for row in crm.look([*addresses, normalise(f"{'a' * 60}@example.com")])] == [ann.id]
    lines = [len(r["query"]) + len(r["path"]) for r in world.raw_requests() if "/query" in r["path"]]
    assert len(lines) > 4
    assert max(lines) < 16_000


def test_a_domain_in_either_form(world):
    """A record whose domain is written with its own letters is found by its normal form."""
    world.org.load("Contact", [{"LastName": "P", "Email": "ann@exämple.com"}])
    address = normalise("ann@exämple.com")
    crm = world.open()
    assert [row.address for row in crm.look([address])] == ["ann@exämple.com"]
    assert crm.elsewhere([address]) == {address}


def test_elsewhere_asks_every_mail_field(world):
    """Further mail fields answer whether somebody is known; a look does not see them."""
    crm = world.open(objects=[{"name": "Contact", "other_emails": ["Offers_List__c"]}, {"name": "Lead"}])
    world.person("ann@example.com", Offers_List__c="BOB@example.com")
    bob = normalise("bob@example.com")
    assert crm.elsewhere([bob]) == {bob}
    assert crm.look([bob]) == []


# -- rights ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("field", ["HasOptedOutOfEmail", "Email", "Resubscribe_Requested__c"])
def test_a_hidden_field_stops_the_read(world, field):
    """A field that is hidden from us stops the tenant by its name; nothing is read as if it were empty."""
    world.person("ann@example.com", HasOptedOutOfEmail=True)
    crm = world.whole()
    _, cursor = read(crm)
    world.control("fields", **{f"Contact.{field}": "hidden"})
    for started in ("", cursor):
        with pytest.raises(ConfigError, match=field):
            read(crm, started)


def test_the_daily_limit(world):
    """When the org takes no more calls the run ends with one, and the next goes on."""
    crm = world.open()
    _, cursor = read(crm)
    world.control("settings", limit=world.org.used)
    world.requests(forget=True)
    with pytest.raises(TransientError, match="REQUEST_LIMIT_EXCEEDED"):
        read(crm, cursor)
    assert len(world.requests()) == 1


def test_a_retired_version(world):
    """A version that the org no longer serves is named, with the setting."""
    with pytest.raises(ConfigError, match=r"crm\.api_version"):
        read(world.open(api_version="30.0"))
