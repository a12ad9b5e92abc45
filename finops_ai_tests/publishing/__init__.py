"""Tests of finops_ai.publishing."""
