"""How bytes get into the staging area."""
