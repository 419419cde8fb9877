"""Reconciliation three ways: our ledger, what providers say they settled, and what arrived on the account."""
