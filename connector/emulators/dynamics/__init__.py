"""Microsoft Dynamics' Web API in small, 9.2 ("365") and 8.2 ("2016"), from its documents: strict, and able to fail.

`Environment` is the state, `create_app(environment)` its ASGI application with its faults; README.md tells what is
emulated, and the control API under /_emulator. Each module names the vendor's page that it implements.

Never imports: anything of the connector outside `connector.emulators`.
"""

from connector.emulators.dynamics.app import create_app
from connector.emulators.dynamics.environment import Environment

__all__ = ["Environment", "create_app"]
