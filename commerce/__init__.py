"""The ground of the house: project package and kernel. Imports no room."""

from commerce.celery import app as celery_app

__all__ = ["celery_app"]
