"""Writing: batches, a bulk job above the threshold, locked and refusing rows, the reserve, new people, notes."""

from __future__ import annotations

import pytest
from connector.core.address import normalise
from connector.core.errors import TransientError
from connector.core.restriction import Ref
from connector.emulators.salesforce.schema import Field
from connector.ports.adapter import Status
from connector.ports.crm import NewNote, NewRecord, RecordChange

STOP = {"restriction": True, "reason": "unsubscribed", "since": "2026-11-26T21:53:00.123456+00:00", "kind": "wish"}


def changes(refs, values=None):
    """The same change for each record."""
    return [RecordChange(key=ref.id, ref=ref, values=values or {"restriction": True}) for ref in refs]


def write(crm, changes):
    """The outcomes by key, one for each."""
    found = list(crm.write(changes))
    assert sorted(o.key for o in found) == sorted(c.key for c in changes)
    return {o.key: o for o in found}


def many(world, count, kind="Contact"):
    """Contacts as an import would have left them."""
    more = {"Company": "C"} if kind == "Lead" else {}
    world.org.load(kind, ({"LastName": "P", "Email": f"p{n}@example.com", **more} for n in range(count)))
    return [Ref(entity=kind, id=i) for i in list(world.org.rows(kind))[-count:]]


@pytest.mark.requirement("S49", "S14")
def test_every_value_has_its_field(world):
    """Restriction, reason, date, status, request date, box and lists are written to the fields of the YAML, in one row."""
    ann = world.person("ann@example.com", Resubscribe_Requested__c=True)
    values = STOP | {"status": "suppressed", "request_date": STOP["since"], "box": False}
    values |= {"list:News": "subscribed", "list:Offers": "unsubscribed", "list:Nobody's": "subscribed"}
    crm = world.whole()
    world.requests(forget=True)
    assert write(crm, changes([ann], values))[ann.id].status is Status.DONE
    row = world.row(ann)
    assert (row["HasOptedOutOfEmail"], row["Resubscribe_Requested__c"], row["News_List__c"]) == (True, False, True)
    assert (row["Suppression_Reason__c"], row["Resubscription_Status__c"]) == ("unsubscribed", "suppressed")
    assert row["Suppression_Date__c"] == row["Resubscribe_Request_Date__c"] == "2026-11-26T21:53:00.000Z"
    assert row["Offers_List__c"] == "Left"
    assert world.requests() == ["GET v62.0/sobjects/Contact/describe", "PATCH v62.0/composite/sobjects"]


def test_a_day_without_time(world):
    """A field that holds a day gets the day."""
    for name in ("Suppression_Date__c",):
        world.org.tables["Contact"].object.fields[name] = Field(name=name, type="date", custom=True)
    ann = world.person("ann@example.com")
    write(world.whole(), changes([ann], STOP))
    assert world.row(ann)["Suppression_Date__c"] == "2026-11-26"


@pytest.mark.requirement("N15")
def test_contacts_and_leads_in_one_batch(world):
    """Rows are sent by object, 200 in a call, whatever order they come in."""
    refs = [ref for pair in zip(many(world, 250), many(world, 250, "Lead"), strict=True) for ref in pair]
    crm = world.whole()
    world.requests(forget=True)
    ended = write(crm, changes(refs))
    assert {o.status for o in ended.values()} == {Status.DONE}
    assert all(world.row(ref)["HasOptedOutOfEmail"] for ref in refs)
    assert world.requests() == ["PATCH v62.0/composite/sobjects"] * 4


def test_a_record_that_comes_twice(world):
    """A record that two changes concern gets both, each with its outcome."""
    ann = world.person("ann@example.com")
    both = [
        RecordChange(key="a", ref=ann, values={"restriction": True}),
        RecordChange(key="b", ref=ann, values={"restriction": True, "list:News": "subscribed"}),
        RecordChange(key="c", ref=ann, values={"restriction": True}),
    ]
    assert {o.status for o in write(world.whole(), both).values()} == {Status.DONE}
    assert world.row(ann)["News_List__c"] is True


def test_a_bulk_job_above_the_threshold(world):
    """20,000 opt-outs of one object take at most ten calls besides login and polls, and every row is told apart."""
    refs = many(world, 20_000)
    refused, gone, locked = refs[7], refs[8], refs[9]
    world.refuse(refused, "Call ann@example.com first")
    world.delete(gone)
    world.control("lock", id=locked.id, times=2)
    crm = world.whole()
    world.requests(forget=True)
    ended = write(crm, changes(refs[:10_000], STOP)) | write(crm, changes(refs[10_000:], STOP))
    assert {i for i, o in ended.items() if o.status is not Status.DONE} == {refused.id, gone.id}
    assert ended[refused.id].status is Status.ASIDE
    assert ended[refused.id].words == "FIELD_CUSTOM_VALIDATION_EXCEPTION: Call <address> first"
    assert ended[gone.id].status is Status.CONFLICT
    assert sum(world.row(ref)["HasOptedOutOfEmail"] for ref in refs) == 19_998
    assert world.row(refs[0])["Suppression_Date__c"] == "2026-11-26T21:53:00.000Z"
    polls = [r for r in world.requests() if r.startswith("GET v62.0/jobs/ingest/") and r.count("/") == 3]
    special = 3  # the locked row twice more, the refused one without reason and date
    assert len(world.requests()) - len(polls) - special <= 10


def test_what_a_bulk_job_writes(world):
    """Values with commas, quotes and line ends arrive whole; an empty one empties its field."""
    refs = many(world, 4)
    words = ['a,b "c"\nd', "größe", "#N/A", None]
    some = [
        RecordChange(key=ref.id, ref=ref, values={"restriction": True, "status": word, "box": False})
        for ref, word in zip(refs, words, strict=True)
    ]
    world.set(refs[3], Resubscription_Status__c="before")
    write(world.whole(bulk_threshold=3), some)
    assert [world.row(ref)["Resubscription_Status__c"] for ref in refs] == ['a,b "c"\nd', "größe", None, None]


@pytest.mark.parametrize("fault", ["cut_before", "cut_after", "503", "429", "wrong_body", "cut_body", "expired"])
@pytest.mark.parametrize("step", ["POST", "PUT", "PATCH", "GET"])
def test_a_bulk_job_that_is_disturbed(world, fault, step):
    """Whatever happens at a step of a job, all rows end as done, or their fate is unknown and they are sent again."""
    refs = many(world, 4)
    crm = world.open(bulk_threshold=3)
    crm.identity()
    world.fault(fault, method=step, path="jobs/ingest")
    try:
        ended = write(crm, changes(refs))
    except TransientError:
        ended = write(crm, changes(refs))
    assert {o.status for o in ended.values()} == {Status.DONE}
    assert all(world.row(ref)["HasOptedOutOfEmail"] for ref in refs)


def test_a_locked_row_is_tried_again(world):
    """A row that somebody else holds is tried again, in smaller calls and after longer waits, then left for later."""
    refs = many(world, 30)
    world.control("lock", id=refs[3].id, times=2)
    world.control("lock", id=refs[4].id, times=9)
    crm = world.open()
    ended = write(crm, changes(refs))
    assert ended[refs[3].id].status is Status.DONE
    assert ended[refs[4].id].status is Status.LATER
    assert "UNABLE_TO_LOCK_ROW" in ended[refs[4].id].words
    assert {o.status for i, o in ended.items() if i != refs[4].id} == {Status.DONE}
    assert world.clock.slept == [2.0, 4.0]


@pytest.mark.requirement("N15")
@pytest.mark.parametrize("threshold", [2000, 2])
@pytest.mark.parametrize("access", ["readonly", "hidden"])
def test_reason_and_date_never_hold_up_an_opt_out(world, threshold, access):
    """Where reason or date cannot be written, the opt-out is, and the outcome says what was left out."""
    refs = many(world, 4)
    world.control("fields", **{"Contact.Suppression_Reason__c": access})
    ended = write(world.whole(bulk_threshold=threshold), changes(refs, STOP))
    assert {o.status for o in ended.values()} == {Status.DONE}
    assert all("without reason and date" in o.words for o in ended.values())
    assert all(world.row(ref)["HasOptedOutOfEmail"] for ref in refs)


@pytest.mark.parametrize("threshold", [2000, 0])
def test_a_converted_lead_takes_no_writes(world, threshold):
    """A converted lead is set aside in Salesforce's words."""
    lead = world.person("ann@example.com", "Lead")
    world.control("convert", id=lead.id)
    [outcome] = world.whole(bulk_threshold=max(threshold, 1)).write(changes([lead], STOP))
    assert outcome.status is Status.ASIDE
    assert "CANNOT_UPDATE_CONVERTED_LEAD" in outcome.words


def test_an_object_that_the_tenant_does_not_name(world):
    """A record of an object that the YAML no longer names is set aside, and blocks no other."""
    lead, ann = world.person("ann@example.com", "Lead"), world.person("ann@example.com")
    ended = write(world.open(), changes([lead, ann]))
    assert (ended[lead.id].status, ended[ann.id].status) == (Status.ASIDE, Status.DONE)


def test_a_lift_is_not_said_twice(world):
    """A lift whose fate is unknown is not repeated: somebody may have said stop in between. An opt-out is."""
    ann = world.person("ann@example.com", HasOptedOutOfEmail=True)
    crm = world.open()
    crm.identity()
    world.requests(forget=True)
    world.fault("503", method="PATCH")
    with pytest.raises(TransientError):
        write(crm, changes([ann], {"restriction": False}))
    assert world.requests() == ["PATCH v62.0/composite/sobjects"]
    world.fault("503", method="PATCH")
    assert write(crm, changes([ann]))[ann.id].status is Status.DONE


@pytest.mark.requirement("N13")
def test_the_reserve_is_for_opt_outs(world):
    """Below the reserve opt-outs go on; lifts, notes and new people come later."""
    ann, bob = world.person("ann@example.com"), world.person("bob@example.com", HasOptedOutOfEmail=True)
    crm = world.open()
    world.control("settings", limit=100, used=95)
    crm.look([])
    list(crm.changes(""))
    stop = RecordChange(key="stop", ref=ann, values={"restriction": True})
    lift = RecordChange(key="lift", ref=bob, values={"restriction": False})
    ended = write(crm, [stop, lift])
    assert (ended["stop"].status, ended["lift"].status) == (Status.DONE, Status.LATER)
    [note] = crm.note([NewNote(key="k", ref=ann, title="T", text="t")])
    [new] = crm.create([NewRecord(key="n", address=normalise("cee@example.com"), id="1", values={})])
    assert (note.status, new.status) == (Status.LATER, Status.LATER)
    assert world.flag(bob)


# -- new people --------------------------------------------------------------------------------------------------------


@pytest.mark.requirement("S34")
def test_a_new_contact_or_lead(world):
    """A new person is a contact or a lead as the setting says, named after the address, unrestricted even where born so."""
    address = normalise("Ada.Lovelace@example.com")
    for kind in ("Contact", "Lead"):
        world.org.tables[kind].object.fields["HasOptedOutOfEmail"] = Field(
            name="HasOptedOutOfEmail", type="boolean", nillable=False, default=True
        )
    lists = {"list:News": "subscribed"}
    [lead] = world.whole(creates="Lead").create([NewRecord(key="k", address=address, id="1", values=lists)])
    row = world.row(Ref.parse(lead.made))
    assert (lead.made.partition("/")[0], row["LastName"], row["Company"]) == ("Lead", "ada.lovelace", "Unknown")
    assert (row["Email"], row["HasOptedOutOfEmail"], row["News_List__c"]) == (address, False, True)
    other = normalise(f"{'x' * 64}{'y' * 30}@example.com")
    [contact] = world.whole().create([NewRecord(key="k", address=other, id="1", values={})])
    assert contact.status is Status.ASIDE  # Salesforce's own field for addresses holds 80 characters
    assert "STRING_TOO_LONG" in contact.words
    assert str(other) not in contact.words


@pytest.mark.requirement("S34")
def test_a_lead_counts_as_a_record(world):
    """Somebody who is a lead already is not made a contact as well."""
    lead = world.person("ann@example.com", "Lead")
    [outcome] = world.whole().create([NewRecord(key="k", address=normalise("ann@example.com"), id="1", values={})])
    assert (outcome.status, outcome.made) == (Status.DONE, str(lead))
    assert world.count("ann@example.com") == 1


def test_a_creation_that_was_cut(world):
    """A creation whose answer was lost is not said twice: the next look finds who was made."""
    crm = world.open()
    crm.identity()
    new = [NewRecord(key="k", address=normalise("ann@example.com"), id="1", values={})]
    world.fault("cut_after", method="POST", path="composite")
    with pytest.raises(TransientError):
        list(crm.create(new))
    [outcome] = crm.create(new)
    assert outcome.status is Status.DONE
    assert world.count("ann@example.com") == 1


# -- notes -------------------------------------------------------------------------------------------------------------


def note(ref, key="k" * 8, text="Line one\nline <two> & 'three'"):
    """One note."""
    return NewNote(key=key, ref=ref, title="Resubscribed", text=text)


@pytest.mark.requirement("S46")
def test_a_note_as_a_task(world):
    """A note is a completed task on the record, with its key in the subject, beside the tasks of others."""
    ann = world.person("ann@example.com")
    world.control("create", object="Task", values={"WhoId": ann.id, "Subject": "Call [back]"})
    crm = world.open()
    for _ in range(2):
        [outcome] = crm.note([note(ann)])
        assert outcome.status is Status.DONE
    [_, task] = world.org.rows("Task").values()
    assert (task["Status"], task["Subject"]) == ("Completed", "Resubscribed [kkkkkkkk]")
    assert task["Description"] == note(ann).text
    assert task["ActivityDate"] == f"{world.org.now():%Y-%m-%d}"


def test_many_notes(world):
    """Notes of many records take two calls for every 200."""
    refs = many(world, 250)
    crm = world.open()
    crm.identity()
    world.requests(forget=True)
    ended = list(crm.note([note(ref, key=f"{n:08d}") for n, ref in enumerate(refs)]))
    assert [o.status for o in ended] == [Status.DONE] * 250
    assert len(world.org.rows("Task")) == 250
    assert world.requests() == ["GET v62.0/query", "POST v62.0/composite/sobjects"] * 2


@pytest.mark.requirement("S46")
def test_a_note_as_a_content_note(world):
    """A content note is linked to its record, once, and one that was left without its link gets it."""
    ann = world.person("ann@example.com")
    crm = world.open(notes={"kind": "content_note"})
    world.fault("503", method="POST", path="ContentDocumentLink")
    with pytest.raises(TransientError):
        list(crm.note([note(ann)]))
    for _ in range(2):
        [outcome] = crm.note([note(ann)])
        assert outcome.status is Status.DONE
    [made] = world.org.rows("ContentNote").values()
    [link] = world.org.rows("ContentDocumentLink").values()
    assert (link["ContentDocumentId"], link["LinkedEntityId"]) == (made["Id"], ann.id)
    import base64

    assert (
        base64.b64decode(made["Content"]).decode() == "<p>Line one</p><p>line &lt;two&gt; &amp; &#x27;three&#x27;</p>"
    )


def test_an_org_without_enhanced_notes(world):
    """Where content notes are not switched on each note is set aside, and nothing else is held up."""
    ann = world.person("ann@example.com")
    del world.org.tables["ContentNote"]
    [outcome] = world.open(notes={"kind": "content_note"}).note([note(ann)])
    assert outcome.status is Status.ASIDE
    assert "ContentNote" in outcome.words


@pytest.mark.requirement("S46")
def test_a_note_in_a_field(world):
    """A note is appended below what stands in the field; a full one is left as it is."""
    ann = world.person("ann@example.com", Suppression_Notes__c="What was there")
    full = world.person("bob@example.com", Suppression_Notes__c="x" * 31_990)
    gone = world.person("cee@example.com")
    world.delete(gone)
    crm = world.open(notes={"kind": "field"})
    for _ in range(2):
        ended = [o.status for o in crm.note([note(ann, "a"), note(full, "b"), note(gone, "c")])]
        assert ended == [Status.DONE, Status.ASIDE, Status.CONFLICT]
    list(crm.note([note(ann, "d", "again")]))
    told = "What was there\nResubscribed: Line one\nline <two> & 'three' [a]\nResubscribed: again [d]"
    assert world.row(ann)["Suppression_Notes__c"] == told
    assert world.row(full)["Suppression_Notes__c"] == "x" * 31_990


@pytest.mark.requirement("S4")
def test_notes_of_a_person_account(world):
    """A person account's task is about its hidden contact; its field is the account's."""
    world.org.enable_person_accounts()
    ann = world.person("ann@example.com", "Account")
    objects = [{"name": "Contact"}, {"name": "Account"}]
    list(world.open(objects=objects).note([note(ann)]))
    [task] = world.org.rows("Task").values()
    assert task["WhoId"] == world.row(ann)["PersonContactId"]
    list(world.open(objects=objects, notes={"kind": "field"}).note([note(ann)]))
    assert "Line one" in world.row(ann)["Suppression_Notes__pc"]
