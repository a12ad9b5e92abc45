"""Tests of `finops_ai.governance`."""
