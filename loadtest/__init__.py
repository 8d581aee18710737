"""Load on the running stack: the simulated users for Locust, and the first lesson that is built from them."""
