"""ONE YAML FILE, CHECKED: models, places of mistakes, references to secrets, examples.

Never imports: adapters (their settings are handed in), the store, sync.
"""
