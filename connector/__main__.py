"""`python -m connector`: the same as the command `connector`."""

from connector.cli import main

main()
