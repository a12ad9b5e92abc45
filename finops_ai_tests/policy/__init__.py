"""Tests of finops_ai.policy."""
