"""WSGI entry point, served by granian."""

import gc
import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "commerce.settings")
django.setup(set_prefix=False)

from commerce.handler import Handler  # noqa: E402  (needs the settings)

application = Handler()

# What is loaded by now stays: the collector need not walk through it while requests wait (a tenth of a second each time).
gc.collect()
gc.freeze()
