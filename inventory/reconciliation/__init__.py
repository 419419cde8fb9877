"""Reconciliation: what others say of our stock, where it differs from the books, and how that is settled."""
