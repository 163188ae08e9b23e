"""What an admin sets up in an environment, as deeds of control: security, solution, settings, tokens, limits."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from connector.emulators.dynamics import limits, login, people
from connector.emulators.dynamics.environment import Environment
from connector.emulators.dynamics.schema import Column

SETTINGS = (
    "server_version",
    "url",
    "page",
    "token_lifetime",
    "closed_leads_read_only",
    "key_delay",
    "dop_hint",
    "request_limit",
    "propagate_404",
)


def state(env: Environment) -> dict[str, Any]:
    """The settings of the environment, its users and its numbers of rows."""
    names = {row: env.tables["role"].values(cells)["name"] for row, cells in env.tables["role"].cells.items()}
    tables = env.tables.values()
    return {name: getattr(env, name) for name in SETTINGS} | {
        "generation": env.generation,
        "now": env.now().isoformat(),
        "clock_offset": env.offset.total_seconds(),
        "version": env.version,
        "tracking": sorted(t.definition.name for t in tables if t.definition.tracking),
        "secured": sorted(
            f"{t.definition.name}.{c.name}" for t in tables for c in t.definition.columns.values() if c.secured
        ),
        "roles": {user: sorted(names[role] for role in held) for user, held in env.holders.items()},
        "rows": {table.definition.name: len(table.cells) for table in tables},
    }


def _settings(env: Environment, body: dict[str, Any]) -> None:
    """Those of SETTINGS, `clock_offset` (seconds), and `expire_tracking_days`."""
    unknown = set(body) - {*SETTINGS, "clock_offset", "expire_tracking_days"}
    if unknown:
        raise LookupError(f"no such setting: {sorted(unknown)}")
    if "clock_offset" in body:
        env.offset = timedelta(seconds=body["clock_offset"])
    if "expire_tracking_days" in body:
        table = env.tables["organization"]
        table.store(table.changed(table.cells[env.id], {"expirechangetrackingindays": body["expire_tracking_days"]}))
    for name in set(SETTINGS) & set(body):
        setattr(env, name, body[name])


def _column(env: Environment, name: str) -> Column:
    table, _, column = name.partition(".")
    return next(c for c in env.tables[table].definition.columns.values() if c.name == column)


def _secure(env: Environment, body: dict[str, Any]) -> None:
    """Column security: `{"column": "contact.donotbulkemail", "user": id, "read": false, "update": false}`.

    `"secured": false` takes it off again.
    """
    column = _column(env, body["column"])
    if env.generation in ("2011", "2013") and not column.custom:
        raise LookupError("before 2015 only custom columns can be secured")
    column.secured = body.get("secured", True)
    user = body.get("user", env.service)
    if user not in env.field_profiles:
        env.field_profiles[user] = env.plain("fieldsecurityprofile", name=f"Profile of {user}")
    table, _, name = body["column"].partition(".")
    here = {
        "entityname": table,
        "attributelogicalname": name,
        "_fieldsecurityprofileid_value": env.field_profiles[user],
    }
    rights = {f"can{deed}": 4 if body.get(deed) else 0 for deed in ("read", "update", "create")}
    found = env.find("fieldpermission", **here)
    env.plain(
        "fieldpermission", **here, **rights, **({"fieldpermissionid": found["fieldpermissionid"]} if found else {})
    )


def _rights(env: Environment, body: dict[str, Any]) -> None:
    """Privileges of one user: `{"user": id, "rights": {"prvWriteContact": "", "prvReadLead": "Basic"}}`.

    They get a role of their own in place of those they had, which holds what those held, with these changes.
    """
    user = body.get("user", env.service)
    for name, depth in body["rights"].items():
        if name not in env.privileges or depth not in ("", *people.DEPTHS):
            raise LookupError(f"no such privilege or depth: {name} {depth}")
    held = {name: people.depth(env, user, name) for name in env.privileges} | body["rights"]
    own = people.role(env, f"Rights of {user}")
    env.roles[own] = {name: depth for name, depth in held.items() if depth}
    env.holders[user] = {own}


def _roles(env: Environment, body: dict[str, Any]) -> None:
    """The roles of a user by their names: `{"user": id, "roles": ["System Administrator"]}`."""
    found = [env.find("role", name=name) for name in body["roles"]]
    if None in found:
        raise LookupError(f"no such role among {body['roles']}")
    env.holders[body.get("user", env.service)] = {str(row["roleid"]) for row in found if row}


def _disable(env: Environment, body: dict[str, Any]) -> None:
    """`{"user": id, "disabled": true}`."""
    table, user = env.tables["systemuser"], body.get("user", env.service)
    table.store(table.changed(table.cells[user], {"isdisabled": body.get("disabled", True)}))


def _default(env: Environment, body: dict[str, Any]) -> None:
    """What a new row's flag is: `{"column": "lead.donotbulkemail", "value": true}`."""
    column = _column(env, body["column"])
    table = env.tables[body["column"].partition(".")[0]]
    column.default = table.defaults[table.columns[column.wire]] = body["value"]


def _tracking(env: Environment, body: dict[str, Any]) -> None:
    """Change tracking by table: `{"contact": false}`; with `"can": false` beside it can never be on."""
    for name, on in body.items():
        env.tables[name].definition.tracking = on


def _solution(env: Environment, body: dict[str, Any]) -> None:
    """Imports the connector's solution: `{"version": "9.0.0.0"}`; without a version it is removed."""
    if body.get("version"):
        env.install_solution(body["version"])
    else:
        env.remove_solution()


def _expire_delta(env: Environment, body: dict[str, Any]) -> None:
    """Every delta token that was handed out is too old."""
    env.expired_before = env.next_version()


def _expire(env: Environment, body: dict[str, Any]) -> None:
    """Ends every access token, or those of a `user`."""
    env.tokens = {t: v for t, v in env.tokens.items() if "user" in body and v[0] != body["user"]}


def _token(env: Environment, body: dict[str, Any]) -> Any:
    """An access token without signing in, of `user`, for `seconds`."""
    return {"access_token": login.issue(env, body.get("user", env.service), body.get("seconds"))}


def _limit(env: Environment, body: dict[str, Any]) -> None:
    """The next requests meet a service protection limit: `{"kind", "times", "after", "retry_after", "path"}`.

    With `"inner": true` it is requests inside a batch that meet it.
    """
    if body["kind"] not in limits.KINDS:
        raise LookupError(f"no such limit: {body['kind']}")
    env.limits.append({"times": 1, "after": 0, "retry_after": 1, "path": "", "inner": False, **body})


DEEDS: dict[str, Callable[[Environment, dict[str, Any]], Any]] = {
    "settings": _settings,
    "secure": _secure,
    "rights": _rights,
    "roles": _roles,
    "disable": _disable,
    "default": _default,
    "tracking": _tracking,
    "solution": _solution,
    "expire_delta": _expire_delta,
    "expire": _expire,
    "token": _token,
    "limit": _limit,
}
