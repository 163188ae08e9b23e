"""PROMISES OTHERS CAN KEEP: contract suites for the ports, shipped for authors of plugins.

Never imports: adapters, the store, the emulators.
"""
