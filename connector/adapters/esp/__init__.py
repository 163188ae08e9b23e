"""E-mail platforms, a folder each.

Never imports: CRMs.
"""
