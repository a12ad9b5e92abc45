"""Tests of finops_ai.briefs."""
