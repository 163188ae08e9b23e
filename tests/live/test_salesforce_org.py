"""Against a real org, where somebody names one: `make live`. Reads only.

SALESFORCE_LOGIN_URL, SALESFORCE_CLIENT_ID and SALESFORCE_CLIENT_SECRET name the org and its client-credentials app.
"""

from __future__ import annotations

import os

import pytest
from connector.adapters.crm.salesforce import ADAPTER
from connector.core.policy import Policy
from connector.ports.adapter import Context, Level
from connector.wiring import SystemClock

pytestmark = pytest.mark.live


@pytest.fixture
def org():
    """The org, opened."""
    auth = {
        "kind": "client_credentials",
        "client_id": os.environ["SALESFORCE_CLIENT_ID"],
        "client_secret": os.environ["SALESFORCE_CLIENT_SECRET"],
    }
    settings = ADAPTER.Settings(login_url=os.environ["SALESFORCE_LOGIN_URL"], auth=auth)
    opened = ADAPTER.open(settings, Context(tenant="live", clock=SystemClock(), policy=Policy()))
    yield opened
    opened.close()


def test_check_finds_no_error(org):
    """A prepared org passes every check."""
    assert [f for f in org.check() if f.level in (Level.ERROR, Level.UNKNOWN)] == []


def test_the_first_load_and_the_next_look(org):
    """The whole org is read to its end, and what changed since is read from the cursor."""
    *_, last = org.changes("")
    assert last.complete
    *_, again = org.changes(last.cursor)
    assert again.complete
