"""What a person is told: what matters, when it matters, over the channels that are configured."""
