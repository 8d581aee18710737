"""How many workers, threads and processes a demand needs, from queueing theory and a measured profile, without load."""
