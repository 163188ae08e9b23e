"""How far each side was read, who each side is, and what the journal knows better."""

from __future__ import annotations

from sqlalchemy import text

from connector.core.action import ANEW, Side
from connector.core.errors import ConfigError
from connector.core.suppression import KIND, Reason
from connector.ports.store import Cursor, Run
from connector.store.journal import Stop
from connector.store.part import Part


class Cursors(Part):
    """Watermarks, identities, recovery."""

    def identity(self, side: Side) -> str:
        """The identity stored at first contact; empty before."""
        with self._database.reading() as connection:
            found = connection.execute(
                text("SELECT identity FROM identities WHERE tenant = :tenant AND side = :side"),
                {"tenant": self.tenant, "side": side.value},
            ).scalar()
        return str(found or "")

    def remember_identity(self, side: Side, identity: str) -> None:
        """Stores it at first contact. Raises: `ConfigError` if it is another tenant's, or another than ours was."""
        known = self.identity(side)
        if known == identity:
            return
        if known:
            raise ConfigError(
                f"{self.tenant}: the {side.value.upper()} is {identity}, but this tenant was set up with {known}. "
                "Point it back, or make a new tenant for the new one."
            )
        with self._database.writing() as connection:
            other = connection.execute(
                text("SELECT tenant FROM identities WHERE side = :side AND identity = :identity"),
                {"side": side.value, "identity": identity},
            ).scalar()
            if other is not None and other != self.tenant:
                raise ConfigError(
                    f"{self.tenant}: {identity} is the tenant {other}'s already. One {side.value.upper()}, one tenant."
                )
            row = {"tenant": self.tenant, "side": side.value, "identity": identity}
            connection.execute(
                text(
                    "INSERT INTO identities (tenant, side, identity) VALUES (:tenant, :side, :identity) "
                    "ON CONFLICT (tenant, side) DO NOTHING"
                ),
                row,
            )

    def cursor(self, side: Side) -> Cursor:
        """How far `side` was read."""
        with self._database.reading() as connection:
            row = connection.execute(
                text("SELECT value, place FROM cursors WHERE tenant = :tenant AND side = :side"),
                {"tenant": self.tenant, "side": side.value},
            ).one_or_none()
        return Cursor(row.value, row.place) if row else Cursor("", "")

    def keep_place(self, run: Run, side: Side, place: str) -> None:
        """Where an unfinished read goes on."""
        self._set(run, side, "place", place)

    def move_cursor(self, run: Run, side: Side, value: str) -> None:
        """After a complete read; forgets the place."""
        self._set(run, side, "value", value)

    def _set(self, run: Run, side: Side, column: str, value: str) -> None:
        set_ = "value = :value, place = ''" if column == "value" else "place = :value"
        with self._fenced(run) as connection:
            key = {"tenant": self.tenant, "side": side.value}
            connection.execute(
                text("INSERT INTO cursors (tenant, side) VALUES (:tenant, :side) ON CONFLICT DO NOTHING"), key
            )
            update = f"UPDATE cursors SET {set_} WHERE tenant = :tenant AND side = :side"  # noqa: S608  # two constants
            connection.execute(text(update), key | {"value": value})

    def recover(self, run: Run) -> int:
        """Takes in what the journal knows and the ledger does not; the number of stops that came back."""
        if self._journal is None:
            return 0
        with self._fenced(run) as connection:
            chain = self._chain(connection, run.id)
            lost = list(self._journal.after(chain.unit))
            if not lost:
                return 0
            units = {stop.unit for stop in lost}
            connection.execute(_TAKE_IN, [self._row(stop) for stop in lost])
            for stop in lost:
                because = "the journal knows this stop and the database had lost it"
                values = {"scope": stop.scope, "reason": stop.reason, "since": stop.since, "source": "journal"}
                chain.append(stop.digest, "suppression.added", because, values)
            # One unit is what a crash between flush and commit leaves; more mean a restored database.
            if len(units) > 1:
                key = {"tenant": self.tenant}
                for statement in _FORGET_AGREED:
                    connection.execute(text(statement), key)
                chain.append("", "journal.recovered", "the database was restored: agreed values and owed lifts dropped")
            chain.unit = max(units)
            chain.close()
        return len(lost)

    def _row(self, stop: Stop) -> dict[str, object]:
        row = stop._asdict() | {"tenant": self.tenant, "kind": KIND[Reason(stop.reason)].value}
        row.pop("unit")
        return row


_TAKE_IN = text(
    "INSERT INTO suppressions (tenant, digest, scope, reason, kind, source, since, timed, evidence) "
    "VALUES (:tenant, :digest, :scope, :reason, :kind, 'journal', :since, 1, 'journal') "
    "ON CONFLICT (tenant, digest, scope, reason) DO UPDATE SET since = max(suppressions.since, excluded.since)"
)
_LIFTS = ", ".join(f"'{deed.value}'" for deed in sorted(ANEW))
_FORGET_AGREED = (
    "UPDATE records SET agreed = NULL, agreed_flag_at = NULL, changed = 1 WHERE tenant = :tenant AND flag <> 'clear'",
    "UPDATE words SET agreed = NULL, agreed_reason = NULL, agreed_since = NULL, changed = 1 WHERE tenant = :tenant",
    f"UPDATE outbox SET state = 'cancelled' WHERE tenant = :tenant AND state IN ('owed', 'held') AND deed IN ({_LIFTS})",  # noqa: S608,E501  # constants
    "UPDATE cursors SET value = '', place = '' WHERE tenant = :tenant",
)
