"""What we remember: one database for all tenants of an installation, and a journal of every stop beside it.

Never imports: sync, adapters, tenants, web, service, cli.
"""
