"""The reference `plain_django`: the reservation and the order as a Django developer would write them.

DRF views, serializers, select_for_update, plain ORM; the same server, workers and threads, the same PostgreSQL with the
same durability, the same rows written (level, journal, hold, outbox). It has no authentication, which favours it.
"""
