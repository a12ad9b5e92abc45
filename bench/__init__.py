"""Measurements: each prints its command, machine, versions and spread. None of them is a test."""
