"""The parts of ``python -m sk_logreg``; only ``sk_logreg.__main__`` imports them."""
