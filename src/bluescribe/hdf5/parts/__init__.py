"""A run that goes on in another file when its file gets large, and the main file that shows all.

`divided` closes a part and begins the next one. `gathered` makes the main file of `pieces`, the
rows of a column that each part has. `after_crash` does so for parts that a session has left.
"""
