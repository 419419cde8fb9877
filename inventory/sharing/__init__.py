"""Sharing: what of the goods a channel may not see. Buffers, holdbacks, guarantees, and whose turn it is."""
