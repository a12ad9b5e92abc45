"""Tests of `finops_ai.snapshots`."""
