"""The suite mirrors the package: `finops_ai/x/y.py` is tested in `finops_ai_tests/x/test_y.py`."""
