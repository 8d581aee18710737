"""What a request costs each service, beside what it costs the bare server and the plain framework: make bench."""
