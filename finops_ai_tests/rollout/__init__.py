"""Tests of `finops_ai.rollout`."""
