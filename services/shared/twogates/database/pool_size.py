"""The size of a pool of connections to the database. A module of its own, since the load test reads it and has no database driver."""

# Connections of one event loop, where POOL says auto. `make lab X=pool-sizing` measures what more of them would bring.
LOOP_POOL = 10
