from scripts import environment

environment.take_over()
