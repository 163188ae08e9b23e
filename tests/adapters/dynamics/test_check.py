"""What `check` says of an organization: each thing that is missing, with its name and what to do."""

from __future__ import annotations

import pytest
from connector.core.lists import Words
from connector.core.policy import BornRestricted, Policy
from connector.ports.adapter import Level, ListMapping

PLAIN = Policy(permission="")


@pytest.fixture(params=["365", "2016"])
def generation(request):
    """Which server."""
    return request.param


def wrong(crm):
    """The findings that are not well, by what they are about."""
    findings = list(crm.check())
    assert all(f.todo for f in findings if f.level in (Level.ERROR, Level.UNKNOWN))
    return {f.what: f for f in findings if f.level is not Level.OK}


@pytest.mark.requirement("N14")
def test_a_whole_organization(world):
    """An organization with the solution is well, and each thing was looked at."""
    findings = list(world.whole().check())
    assert {f.level for f in findings} == {Level.OK}
    told = " ".join(f.what for f in findings)
    for word in ("login", "server", "clock", "solution", "contact.donotbulkemail", "change tracking", "rights"):
        assert word in told


def test_columns_and_tables_that_are_missing(world):
    """Each column and table that is not there is an error by its name."""
    crm = world.open(tables=[{"name": "contact"}], suppressions={})
    found = wrong(crm)
    assert found["contact.sc_resubscribestatus"].level is Level.ERROR
    assert found["sc_emailsuppression"].level is Level.ERROR
    assert "contact.emailaddress1" not in found


@pytest.mark.parametrize(("read", "update"), [(False, False), (True, False), (True, True)])
def test_a_secured_column(world, read, update):
    """A secured column is well where we may read and write it, and an error where we may not."""
    world.control("secure", column="contact.donotbulkemail", read=read, update=update)
    found = wrong(world.open())
    assert ("contact.donotbulkemail" in found) is not (read and update)
    if not (read and update):
        assert ("secured" in found["contact.donotbulkemail"].found) is not read


def test_a_restriction_that_is_born_set(world):
    """A default of true is an error until the tenant has decided what it means."""
    world.control("default", column="contact.donotbulkemail", value=True)
    assert "contact.donotbulkemail" in wrong(world.open(policy=PLAIN))
    decided = Policy(permission="", born_restricted=BornRestricted.IGNORE)
    assert wrong(world.open(policy=decided)) == {}


def test_tracking_that_is_off(world):
    """A table without change tracking is a warning that says what is lost."""
    world.control("tracking", contact=False)
    found = wrong(world.open())
    assert found.keys() == {"contact: change tracking"}
    assert found["contact: change tracking"].level is Level.WARNING


def test_rights(world):
    """A privilege that is missing, or not for the whole organization, is named."""
    crm = world.whole()
    world.control("rights", rights={"prvWriteContact": "", "prvReadLead": "Basic"})
    found = wrong(crm)["rights"]
    assert found.level is Level.ERROR
    told = " ".join(f.found for f in crm.check() if f.what == "rights")
    assert "prvWriteContact" in told
    assert "prvReadLead" in told


@pytest.mark.requirement("S26", "S28")
def test_versions(world, generation):
    """A solution that is too old and a server of another generation are errors that say what to do."""
    old = {"365": "0.9.0.0", "2016": "7.0.1.720"}[generation]
    found = wrong(world.whole(version=old))["solution SuppressionConnector"]
    assert "too old" in found.found
    world.control("settings", server_version="7.0.0.3543")
    assert "2015" in wrong(world.open())["server"].todo


def test_clocks_apart(world):
    """A server whose clock is far from ours is a warning, and its time is known."""
    world.control("settings", clock_offset=900)
    crm = world.open()
    assert wrong(crm)["clock"].level is Level.WARNING
    assert 895 < crm.clock_offset().total_seconds() < 905


def test_a_column_of_another_kind(world):
    """A column that cannot hold what is written there is an error."""
    words = Words(subscribed="In", unsubscribed="Out")
    lists = (ListMapping(name="News", field="followemail", words=words),)
    table = {"name": "contact", **dict.fromkeys(("request_date", "status", "reason", "since"), "")}
    crm = world.open(tables=[table | {"box": "jobtitle"}], lists=lists)
    found = wrong(crm)
    assert "String" in found["contact.jobtitle"].found
    assert "'In'" in found["contact.followemail"].found


def test_a_user_without_rights(world):
    """A user that may nothing is told so by the first question."""
    from connector.core.errors import ConfigError

    crm = world.open()
    world.control("disable")
    with pytest.raises(ConfigError, match="user not enabled"):
        list(crm.check())
