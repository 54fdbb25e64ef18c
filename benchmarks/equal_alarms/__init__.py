"""Detectors on one scale: what each finds, and how soon, when all raise the same number of false alarms."""
