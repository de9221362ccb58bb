"""Text that comes from files, made fit for a terminal."""


def printable(text: str) -> str:
    """The text without what a terminal would obey: each such character as `?`, line ends and tabs, too."""
    return "".join(character if character.isprintable() else "?" for character in text)


def printable_lines(text: str) -> str:
    """Likewise, with its line ends."""
    return "\n".join(printable(line) for line in text.splitlines())
