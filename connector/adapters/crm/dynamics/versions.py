"""Which server, and whether the connector's solution in it is new enough (S26-S28). Touches no wire.

The first part of RetrieveVersion names the generation. Versions compare part by part, as numbers.
"""

from __future__ import annotations

from connector.adapters.crm.dynamics.settings import Solution
from connector.adapters.crm.dynamics.wire import Organization
from connector.core.errors import ConfigError
from connector.ports.adapter import Finding, Level

GENERATIONS = {5: "2011", 6: "2013", 7: "2015", 8: "2016"}
"""Generation by the server's major version; every later one is 365."""

MINIMUM = {"2011": "5.0.0.14", "2013": "6.0.1.719", "2015": "7.0.1.721", "2016": "7.0.1.721"}
"""The oldest solution that serves; for 365 the tenant's YAML says it."""

GUIDE = "deploy/dynamics/README.md"

MENU = {
    "365": "Suppression Connector, Email suppressions",
    "2016": "MARKETING, Email suppressions",
    "2015": "MARKETING, Email suppressions",
    "2013": "Microsoft Dynamics CRM, Marketing, Email suppressions",
    "2011": "Marketing, Email suppressions",
}
"""Where users find the list of suppressions (S39)."""


def parts(version: str) -> tuple[int, int, int, int] | None:
    """A version as four numbers, or None where it is none."""
    found = version.strip().split(".")
    if len(found) != 4 or not all(part.isascii() and part.isdigit() for part in found):
        return None
    first, second, third, fourth = map(int, found)
    return first, second, third, fourth


def generation(server: str) -> str:
    """The generation of a server by its version; empty where that tells none."""
    major = server.partition(".")[0]
    if not (major.isascii() and major.isdigit()):
        return ""
    return GENERATIONS.get(int(major), "365" if int(major) >= 9 else "")


def minimum(solution: Solution, of: str) -> str:
    """The oldest version of the solution that serves on this generation."""
    return MINIMUM.get(of, solution.minimum)


def server_finding(server: str, configured: str) -> Finding:
    """Whether the server is the generation that the YAML says."""
    found = generation(server)
    if found == configured:
        return Finding(level=Level.OK, what="server", found=f"Dynamics {found} ({server}).")
    told = f"is Dynamics {found}" if found else "is of no generation we know"
    todo = f"Set crm.generation to {found!r}." if found else "Please report it."
    return Finding(level=Level.ERROR, what="server", found=f"{server} {told}, not {configured}.", todo=todo)


def solution_finding(organization: Organization, solution: Solution, configured: str) -> Finding:
    """Whether the solution is there and new enough: missing, unreadable and too old are three refusals."""
    what, needed = f"solution {solution.name}", minimum(solution, configured)
    install = f"Install {solution.name} {needed} or newer for Dynamics {configured}: {GUIDE}."
    try:
        version = organization.solution(solution.name)
    except ConfigError as error:
        found = f"its version cannot be read ({error.operator})."
        todo = f"Give the integration user the right to read solutions: {GUIDE}. {install}"
        return Finding(level=Level.UNKNOWN, what=what, found=found, todo=todo)
    if not version:
        return Finding(level=Level.ERROR, what=what, found="is not installed.", todo=install)
    there, least = parts(version), parts(needed)
    if there is None or least is None:
        found = f"its version {version} is no version of four numbers."
        return Finding(level=Level.UNKNOWN, what=what, found=found, todo=install)
    if there < least:
        return Finding(level=Level.ERROR, what=what, found=f"{version} is too old; {needed} is needed.", todo=install)
    return Finding(level=Level.OK, what=what, found=f"{version}, at least {needed}.")


def refuse(finding: Finding) -> None:
    """Raises: `ConfigError` where the finding is anything but well."""
    if finding.level is not Level.OK:
        raise ConfigError(f"The {finding.what} {finding.found} {finding.todo}", vendor="Dynamics", action="versions")
