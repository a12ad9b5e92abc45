"""Charges, the FOCUS export, closed months."""
