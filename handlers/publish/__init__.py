"""Where finished videos go.

target.py   what a place to publish to can do          text.py    what is written beside the video
errors.py   what can go wrong there, by what to do     fits.py    whether a place takes it
kind.py     a kind of place, and how it is set up      kinds/     one module for each
registry.py which kinds there are, also of others      child.py   other programs, run to their end
"""
