"""The pictures of the docs, made from the real program so that they stay true: make shots.

Each kind is a module with a function ``make``, which writes its files into docs/pictures/ and returns them.
"""
