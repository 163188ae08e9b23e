"""THE OUTSIDE WORLD: one folder per vendor behind a port, and `_http`, the one place that sends.

Never imports: the store, sync, tenants, emulators; vendors never meet.
"""
