"""Chat measured: many sockets on one board, and every message on each of them. ``python -m loadtest.chat``."""
