"""`python -m tgewatch`."""

from tgewatch.cli import main

if __name__ == "__main__":
    main()
