"""What pages, commands and the platform's events say: appended without the lease, taken by the next run."""

from __future__ import annotations

from sqlalchemy import Connection, text

from connector.core.address import Address, Digest
from connector.core.said import Kind, Said
from connector.store.bodies import said_to_text
from connector.store.part import Part
from connector.store.times import to_text

_STOPS = frozenset({Kind.STOP, Kind.COMPLAINT})


class Inbox(Part):
    """The door by which people speak to us."""

    def tell(self, said: Said, address: Address | None, digest: Digest) -> bool:
        """Appends to the inbox (a stop or complaint to the journal first); False if its key was there already."""
        with self._database.writing() as connection:
            return self._told(connection, said, address, digest)

    def _told(self, connection: Connection, said: Said, address: Address | None, digest: Digest) -> bool:
        row = {"tenant": self.tenant, "key": said.key, "at": to_text(said.at), "kind": said.kind.value}
        appended = connection.execute(_APPEND, row | {"digest": digest, "body": said_to_text(said)}).rowcount
        if not appended:
            return False
        if address is not None:
            self._keep_address(connection, [{"tenant": self.tenant, "digest": digest, "address": address}])
        if said.kind in _STOPS:
            chain = self._chain(connection)
            self._write_down(connection, chain, [(digest, said.scope, said.reason, said.at)])
            chain.close()
        return True

    def waiting(self) -> bool:
        """Whether the inbox holds a row that no run has taken."""
        query = text("SELECT 1 FROM inbox WHERE tenant = :tenant AND taken = 0 LIMIT 1")
        with self._database.reading() as connection:
            return connection.execute(query, {"tenant": self.tenant}).scalar() is not None


_APPEND = text(
    "INSERT INTO inbox (tenant, key, at, kind, digest, body) VALUES (:tenant, :key, :at, :kind, :digest, :body) "
    "ON CONFLICT (tenant, key) DO NOTHING"
)
