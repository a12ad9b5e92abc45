"""Tests of finops_ai.evidence."""
