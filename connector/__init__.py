"""suppression-connector: e-mail suppressions kept the same in a CRM and an e-mail platform.

Never imports: anything; a room is imported by its own name.
"""
