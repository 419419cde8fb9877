"""The Celery application. Tasks are found in every room's `tasks.py` and named there by string."""

import os

from celery import Celery

from commerce import file_broker

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "commerce.settings")

file_broker.install()
app = Celery("kontor")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
