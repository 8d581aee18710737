"""From counts to conclusions: estimates with intervals, the audit of every cell, its bottleneck, and the verdict."""
