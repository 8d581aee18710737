"""The notice board's tables as Django models. Their migrations define the schema for all three services."""
