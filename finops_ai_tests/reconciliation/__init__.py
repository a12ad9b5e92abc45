"""Tests of `finops_ai.reconciliation`."""
