"""Text that comes from files, made fit for a terminal."""


def printable(text: str) -> str:
    """The text without what a terminal would obey: each such character as `?`, line ends and tabs, too."""
    return "".join(character if character.isprintable() else "?" for character in text)


def printable_lines(text: str) -> str:
    """Likewise, with its line ends."""
    return "\n".join(printable(line) for line in text.splitlines())


def shortened(text: str, room: int) -> str:
    """The text, without its middle where there is no room for it."""
    if len(text) <= room:
        return text
    kept = max(room - 3, 2)
    return f"{text[: kept - kept // 2]}...{text[len(text) - kept // 2 :]}"
