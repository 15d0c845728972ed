"""Benchmarks: problems, peers, a runner, and a comparison of two results."""
