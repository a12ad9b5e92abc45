"""The benchmarks run and report what they say; what they measure is not tested."""
