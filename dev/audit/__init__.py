"""The supply-chain audit: known vulnerabilities, licences, and a software bill of materials for each image."""
