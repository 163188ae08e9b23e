"""THE VENDORS, IN SMALL, from their documents: strict, able to fail, and free to disagree with our adapters.

Never imports: anything of the connector outside this room, not even core and ports.
"""
