"""What the lifecycle costs and how soon it acts, each figure beside the bound that it should keep."""
