"""Where finished videos go.

target.py   what a place to publish to can do          text.py    what is written beside the video
errors.py   what can go wrong there, by what to do     kinds/     one module for each kind of place
"""
