"""Tests of finops_ai.store."""
