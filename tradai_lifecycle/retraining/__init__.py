"""From judged candles to a new bundle: datasets, training and what is measured on the way."""
