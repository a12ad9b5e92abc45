"""Tests of `finops_ai.hindsight` and of the command on top of it."""
