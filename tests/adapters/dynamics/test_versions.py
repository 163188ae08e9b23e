"""Which server, and which solution in it: S26 to S28."""

from __future__ import annotations

import pytest
from connector.adapters.crm.dynamics import versions
from connector.adapters.crm.dynamics.settings import Solution
from connector.core.errors import ConfigError
from connector.ports.adapter import Level

OURS = Solution(name="SuppressionConnector", minimum="2.0.0.0")


class Told:
    """An organization that tells the solution's version, or refuses to."""

    def __init__(self, version):
        self.version = version

    def solution(self, name):
        assert name == "SuppressionConnector"
        if self.version is None:
            raise ConfigError("Dynamics refuses (solutions): prvReadSolution is missing.")
        return self.version


def level(version, generation):
    """What becomes of a version."""
    return versions.solution_finding(Told(version), OURS, generation).level


@pytest.mark.parametrize(
    ("server", "generation"),
    [
        ("5.0.9690.2243", "2011"),
        ("6.1.0.581", "2013"),
        ("7.0.0.3543", "2015"),
        ("8.2.2.112", "2016"),
        ("9.2.24091.218", "365"),
        ("10.0.0.1", "365"),
        ("4.0.7333.3", ""),
        ("nine", ""),
    ],
)
def test_the_first_number_names_the_generation(server, generation):
    """RetrieveVersion's first number says which server it is; one that is older, or no number, is none of ours."""
    assert versions.generation(server) == generation


@pytest.mark.requirement("S26", "S27", "S28")
@pytest.mark.parametrize(
    ("generation", "old", "good"),
    [
        ("2011", "5.0.0.13", "5.0.0.14"),
        ("2013", "6.0.1.718", "6.0.1.719"),
        ("2015", "7.0.1.720", "7.0.1.721"),
        ("2016", "7.0.1.720", "7.0.1.721"),
        ("2016", "7.0.1.99", "7.0.1.1000"),
        ("2011", "4.9.9.9999", "5.0.1.0"),
        ("365", "1.999.0.0", "2.0.0.0"),
    ],
)
def test_the_oldest_solution_that_serves(generation, old, good):
    """Each generation refuses what is older than its minimum, number by number, and takes the rest."""
    assert level(old, generation) is Level.ERROR
    assert level(good, generation) is Level.OK


@pytest.mark.requirement("S26")
def test_three_refusals():
    """Missing, unreadable and too old are three refusals, each with another remedy, and each names what to install."""
    findings = [versions.solution_finding(Told(v), OURS, "2011") for v in ("", None, "5.0.0.13", "five")]
    assert [f.level for f in findings] == [Level.ERROR, Level.UNKNOWN, Level.ERROR, Level.UNKNOWN]
    assert len({f.found for f in findings}) == 4
    for finding in findings:
        assert "SuppressionConnector 5.0.0.14" in finding.todo
        with pytest.raises(ConfigError, match=r"5\.0\.0\.14"):
            versions.refuse(finding)


def test_another_server_than_the_yaml_says():
    """A server of another generation is an error that says which one to write."""
    finding = versions.server_finding("8.2.2.112", "365")
    assert finding.level is Level.ERROR
    assert "2016" in finding.todo
    assert versions.server_finding("8.2.2.112", "2016").level is Level.OK
