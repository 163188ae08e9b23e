"""WHAT THE SERVICE TELLS OF ITSELF: log lines.

Never imports: anything but core.
"""
