"""Measure chat: many sockets on one board, each of which must receive every message. ``python -m loadtest.chat``."""
