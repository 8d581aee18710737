"""The size of a pool of database connections. A separate module, since the load test imports it and has no database driver."""

# Connections of one event loop if POOL is auto. `make lab X=pool-sizing` measures the effect of other sizes.
LOOP_POOL = 10
