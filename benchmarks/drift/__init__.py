"""How well drift is detected on real candles: false triggers, faults found, and how soon, by several detectors."""
