"""WSGI entry point, served by granian."""

import gc
import os
import sys

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "commerce.settings")
django.setup(set_prefix=False)

from commerce.handler import Handler  # noqa: E402  (needs the settings)

application = Handler()
OBJECTS_BETWEEN_COLLECTIONS = 50_000

# What is loaded by now stays: the collector need not walk through it while requests wait (a tenth of a second each time).
gc.collect()
gc.freeze()
# A request makes some thousand objects and leaves none that point in circles. Looking for those after each 700, as is usual,
# took a seventh of the time of a quote of twenty lines; after each 50,000 it costs nothing, and some megabytes at most.
gc.set_threshold(OBJECTS_BETWEEN_COLLECTIONS, 20, 50)

# A thread that computes keeps the others waiting for this long, also one that comes back from the database and holds a lock
# there that other processes wait for. A thousandth of a second instead of five: batches of 100 holds of one product then took
# a fifth less work in all, and 64 connections that hold single products were served a sixth faster.
SECONDS_BETWEEN_THREADS = 0.001
sys.setswitchinterval(SECONDS_BETWEEN_THREADS)
