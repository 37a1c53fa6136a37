"""`python -m ringfence` is the command line."""

from ringfence.app import main

if __name__ == "__main__":
    main()
