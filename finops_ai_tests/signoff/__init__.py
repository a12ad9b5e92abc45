"""Tests of finops_ai.signoff."""
