"""Benchmarks: the problems, the peers, a runner, and a comparison of two results."""
