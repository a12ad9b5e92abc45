"""Tests of finops_ai.ledger."""
