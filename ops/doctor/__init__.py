"""What this machine has and lacks for the project, and how to mend each: make doctor.

Any Python that is new enough runs it, without an environment or a package. What is needed is read from where it is decided.
"""
