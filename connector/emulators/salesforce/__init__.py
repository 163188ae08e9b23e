"""Salesforce in small, from its documents: strict, and able to fail. Written apart from the adapter it is used with.

`Org` is the state, `create_app(org)` its ASGI application; README.md tells what is emulated, and the control API under
/_emulator. Each module names the vendor's page that it implements.

Never imports: anything of the connector outside `connector.emulators`.
"""

from connector.emulators.salesforce.app import create_app
from connector.emulators.salesforce.org import Org

__all__ = ["Org", "create_app"]
