"""How results look in a notebook: HTML and SVG without scripts, and matplotlib's figures.

Colours are laid over the background with an opacity and text takes the colour around it, so that a light notebook and
a dark one need no second set. Whatever a model or a file said is escaped.
"""
