"""The whole workflow on real records, gates and Dagster runs."""
