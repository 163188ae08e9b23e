"""Mail servers, a file each.

Never imports: CRMs and e-mail platforms.
"""
