"""What ``python -m loadtest`` can be told to do, a file each."""
