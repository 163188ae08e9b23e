"""PAGES: what people see in a browser, over the ports alone.

Never imports: service, cli, the store, adapters.
"""
