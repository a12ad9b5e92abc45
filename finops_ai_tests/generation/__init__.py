"""Tests of finops_ai.generation."""
