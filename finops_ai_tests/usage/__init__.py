"""Tests of usage events: adapters, keeping, importing."""
