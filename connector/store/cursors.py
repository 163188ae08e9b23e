"""How far each side was read, who each side is, and the journal's word at the start of a run."""

from __future__ import annotations

from sqlalchemy import text

from connector.core.action import Side
from connector.core.errors import ConfigError
from connector.ports.store import Cursor, Run
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
        """Takes in what the journal knows and the ledger does not; the number of stops that came back.

        Raises: `ConfigError` where a journal is expected and there is none.
        """
        if self._journal is None:
            return 0
        with self._fenced(run) as connection:
            chain = self._chain(connection, run.id)
            taken = self._catch_up(connection, chain)
            chain.close()
        return taken
