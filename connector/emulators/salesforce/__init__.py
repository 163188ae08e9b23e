"""Salesforce in small, from its documents: strict, and able to fail. Written apart from the adapter it is used with.

Never imports: anything of the connector outside `connector.emulators`.
"""

from connector.emulators.salesforce.app import create_app
from connector.emulators.salesforce.org import Org

__all__ = ["Org", "create_app"]
