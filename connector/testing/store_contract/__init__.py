"""The contract of `ports.store.Store`, for whoever writes another one.

Subclass the classes below and give them the fixtures `store`, `neighbour` (another tenant of the same installation),
`clock` (a `SteppingClock` that both stores ask for their time) and `case` (a `Case` on `store`, closed at the end).

Never imports: store, adapters, sync, tenants, web, service, cli.
"""

from connector.testing.store_contract.doing import DoingContract
from connector.testing.store_contract.listing import ListingContract
from connector.testing.store_contract.looking import LookingContract
from connector.testing.store_contract.mirror import MirrorContract
from connector.testing.store_contract.promising import PromisingContract
from connector.testing.store_contract.runs import RunContract
from connector.testing.store_contract.telling import AnswersContract, InboxContract
from connector.testing.store_contract.world import Case, SteppingClock

__all__ = [
    "AnswersContract",
    "Case",
    "DoingContract",
    "InboxContract",
    "ListingContract",
    "LookingContract",
    "MirrorContract",
    "PromisingContract",
    "RunContract",
    "SteppingClock",
]
