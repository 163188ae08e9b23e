"""CRMs, a folder each.

Never imports: e-mail platforms.
"""
