"""Tests of finops_ai.artifacts."""
