"""Tests of finops_ai.notify."""
