"""From counts to statements: estimates with intervals, the audit of every cell, its limiter, and the verdict."""
