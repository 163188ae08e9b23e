"""The built-in e-mail platform as an ESP, and its letters. See README.md beside this file.

Never imports: the store (it is handed a platform), other vendors, the emulators.
"""

from connector.adapters.esp.builtin.adapter import BuiltinAdapter

ADAPTER = BuiltinAdapter()
