"""Code that all services share, independent of the framework: settings, work, payloads, problems, middleware."""
