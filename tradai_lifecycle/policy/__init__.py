"""Pure decisions: from health to trading state, and from trading state to what an entry may do."""
