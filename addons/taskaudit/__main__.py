"""`python -m taskaudit`: the `taskaudit` command, where its script is not in the path."""

from taskaudit.cli import main

if __name__ == "__main__":  # Processes that share the work of `check` import this, too.
    main()
