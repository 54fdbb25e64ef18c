"""What a person may tell the lifecycle and ask of it, over any transport: one set of commands, roles and answers."""
