"""The board protocol in Python: frames (`frame`), messages (`messages`, rendered), packed inputs (`packed`)."""
