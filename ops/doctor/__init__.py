"""Check what this machine has and lacks for the project, and how to fix each problem: make doctor.

Runs on any supported Python, without a virtual environment or packages. It reads the requirements from the files that define them.
"""
