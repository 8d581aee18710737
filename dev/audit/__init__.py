"""The supply chain: known vulnerabilities, licences, and a software bill of materials for each image."""
