"""Amendments: an order that stands is changed by one wish, first looked at, then confirmed as it was looked at.

A preview is the change itself, made and undone (`changing`), so it can't say anything else than what a confirmation does.
"""
