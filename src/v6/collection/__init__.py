"""What several jobs share: the real chain, the day's universe, the books of one slot. Jobs never import each other."""
