"""Tests of finops_ai.verification."""
