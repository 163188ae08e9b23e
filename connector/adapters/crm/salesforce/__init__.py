"""Salesforce as a CRM: Contact, Lead and Person Account over REST and Bulk API 2.0. See README.md beside this file.

Never imports: the store, other vendors, the emulators.
"""

from connector.adapters.crm.salesforce.adapter import SalesforceAdapter

ADAPTER = SalesforceAdapter()
