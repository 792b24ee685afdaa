"""``python -m bluescribe``: the command, where it is not on the path."""

from __future__ import annotations

from .commands.cli import main

if __name__ == "__main__":
    main()
