"""Django's PostgreSQL backend, with health checks only where a connection was idle."""
