#!/usr/bin/env python
"""Django's command line, with the embedded PostgreSQL running for as long as a command needs it."""

import os
import sys


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "commerce.settings")
    from django.core.management import execute_from_command_line

    from commerce import embedded

    with embedded.running_for(sys.argv):
        execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
