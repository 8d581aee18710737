"""The notice board's tables in Django's words. Their migrations are the schema of all three services."""
