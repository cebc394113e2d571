"""Buttons of jobs: under their results, their failures, their progress, and in lists of jobs.

cards.py   what a list shows of a job     jobs.py         cancel, retry, files, again with …
whose.py   which job, and who may         publishing.py   now, or at a time
times.py   to choose from, or written     publications.py cards of publications
"""
