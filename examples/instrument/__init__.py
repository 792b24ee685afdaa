"""A small instrument, in the layout of the instruments at APS.

Start it in IPython, in a notebook or in a script:

    from instrument.startup import *
"""
