"""The load: what users ask, how they ask it, and what is counted. It runs in processes of its own, and in containers."""
