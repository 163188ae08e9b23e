"""WHAT THE RULES NEED FROM THE WORLD: protocols and the values that cross them.

Never imports: anything but core.
"""
