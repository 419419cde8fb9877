"""The demo: Ackerblau, an invented retailer for house and garden, with a believable week behind it.

Everything is written through the rooms' verbs, so the journals, the audit and the outbox tell the same story as in
real use. Same hour and same random seed, same demo.
"""
