"""The journal: what ran, what was expected, what arrived, what a person must know. SQLite, standard library only."""
