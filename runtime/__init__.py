from runtime import environment

environment.take_over()
