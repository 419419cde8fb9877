"""WSGI entry point, served by granian."""

import gc
import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "commerce.settings")
django.setup(set_prefix=False)

from django.urls import get_resolver  # noqa: E402

from commerce.handler import Handler  # noqa: E402  (needs the settings)

application = Handler()
get_resolver().url_patterns  # noqa: B018  (imports all views now, not while the first buyer waits)
OBJECTS_BETWEEN_COLLECTIONS = 50_000

# What is loaded by now stays: the collector need not walk through it while requests wait (a tenth of a second each time).
gc.collect()
gc.freeze()
# A request makes some thousand objects and leaves none that point in circles. Looking for those after each 700, as is usual,
# took a seventh of the time of a quote of twenty lines; after each 50,000 it costs nothing, and some megabytes at most.
gc.set_threshold(OBJECTS_BETWEEN_COLLECTIONS, 20, 50)
