"""Mail servers behind the Mailer port. See README.md beside this file.

Never imports: the store, other vendors, the emulators.
"""
