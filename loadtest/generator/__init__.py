"""The load: what users request, how they do it, and what is counted. It runs in separate processes, and in containers."""
