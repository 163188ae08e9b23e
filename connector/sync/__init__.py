"""ONE RUN, AS A STORY: it uses ports and decides nothing.

Never imports: adapters, the store, tenants, the web.
"""
