"""CRMs behind the CRM port, one folder per vendor.

Never imports: the store, sync, tenants, emulators; vendors never meet.
"""
