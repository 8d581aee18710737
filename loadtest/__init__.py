"""Load on the running stack: the users that Locust plays, and the first lesson that is made of them."""
