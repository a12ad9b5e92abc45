"""Tests of finops_ai.facts and finops_ai.rumors: what keeps the two apart."""
