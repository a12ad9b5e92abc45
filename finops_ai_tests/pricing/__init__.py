"""Tests of finops_ai.pricing."""
