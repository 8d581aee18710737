"""How many workers, threads and processes a demand needs: queueing theory and a measured profile, no load."""
