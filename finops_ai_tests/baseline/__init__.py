"""Tests of finops_ai.baseline."""
