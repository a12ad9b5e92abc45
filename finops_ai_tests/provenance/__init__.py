"""Tests of finops_ai.provenance."""
