"""Dynamics CRM 2011, 2013 and 2015 in small: OData v2 and SOAP over the same rows as `emulators.dynamics`, behind NTLM.

`dynamics.Environment` is the state, `create_app(environment)` its ASGI application with its faults; README.md tells
what is emulated. Each module names the vendor's page that it implements.

Never imports: anything of the connector outside `connector.emulators`.
"""

from connector.emulators.organization.app import create_app

__all__ = ["create_app"]
