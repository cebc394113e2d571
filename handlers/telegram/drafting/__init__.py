"""The conversation that puts a video together: script, clip, choices, and a card that shows them.

said.py takes what people send, presses.py what they press; both change a draft and end in drafting.changed.
"""
