"""Salesforce keeps the CRM's contract: for contacts, for leads, and for person accounts."""

from __future__ import annotations

import pytest
from connector.testing.crm_contract import CrmContract

pytestmark = pytest.mark.requirement("S4", "N11", "N15")


@pytest.fixture(params=["Contact", "Lead", "Account"])
def kind(request):
    """The object that people are."""
    return request.param


@pytest.fixture
def hand(world):
    """The org's users."""
    return world


@pytest.fixture
def crm(world):
    """The adapter on that org."""
    return world.open()


class TestSalesforce(CrmContract):
    """The contract over the emulated org."""
