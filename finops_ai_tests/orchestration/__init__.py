"""Tests of the wing that knows Dagster, on real instances: ephemeral, SQLite and PostgreSQL."""
