"""THE BACKGROUND SERVICE: when tenants run, and how the process begins and ends.

Never imports: web, cli, adapters, the store.
"""
