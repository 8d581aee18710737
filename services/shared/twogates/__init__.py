"""What the services share, whatever their framework: settings, work, payloads, problems, middleware."""
