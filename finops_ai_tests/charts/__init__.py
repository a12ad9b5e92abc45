"""Tests of finops_ai.charts."""
