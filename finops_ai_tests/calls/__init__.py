"""Tests of finops_ai.calls."""
