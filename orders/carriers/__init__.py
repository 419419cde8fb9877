"""Carriers: what we ask of them (labels, cancelling, tracking), one module for each, and who is there."""
