"""The command line: one Typer app per noun, joined in `app`. Parse, call, render; no logic.

Whatever is heavy is imported inside the commands, so that help comes at once.
"""
