"""Make the documentation's pictures from the running program, so that they match it: make shots.

Each kind is a module with a function ``make``, which writes its files to docs/pictures/ and returns their paths.
"""
