"""Tests of finops_ai.routing."""
