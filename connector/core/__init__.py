"""THE WORDS AND THE RULES: pure values and one decision.

Never imports: anything but the standard library, and idna in address.py.
"""
