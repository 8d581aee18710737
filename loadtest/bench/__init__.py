"""Measure what a request costs each service, compared with the bare server and the plain framework: make bench."""
