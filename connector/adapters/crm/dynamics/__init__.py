"""Microsoft Dynamics as a CRM, from 2011 to today: contact, lead, account and the connector's own Email suppressions.

Never imports: the store, other vendors, the emulators.
"""

from connector.adapters.crm.dynamics.adapter import DynamicsAdapter

ADAPTER = DynamicsAdapter()
