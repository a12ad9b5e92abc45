"""Governance, cost control and quality gates in the delivery path of AI-written artifacts.

Belongs here: the version, and nothing else. Every package below hands out its public names from its own `__init__`.
"""

__version__ = "0.1.0"
