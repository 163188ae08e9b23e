"""A mail server that keeps what it gets, with an HTTP view of it.

Never imports: anything of the connector outside `connector.emulators`.
"""

from connector.emulators.mailbox.server import Mailbox
from connector.emulators.mailbox.view import create_app

__all__ = ["Mailbox", "create_app"]
