"""Dynamics keeps the CRM's contract: on the three servers of the Organization Data Service, for contacts, leads, accounts."""

from __future__ import annotations

import pytest
from connector.testing.crm_contract import CrmContract

pytestmark = pytest.mark.requirement("N11", "N15")


@pytest.fixture(params=["2011", "2013", "2015"])
def generation(request):
    """Which server."""
    return request.param


@pytest.fixture(params=["contact", "lead", "account"])
def kind(request):
    """The table that people are."""
    return request.param


@pytest.fixture
def hand(world):
    """The organization's users."""
    return world


@pytest.fixture
def crm(world):
    """The adapter on that organization."""
    return world.open()


class TestOrganizationData(CrmContract):
    """The contract over the emulated organization."""

    tells_deletions = False
