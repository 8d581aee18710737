"""Django's admin site in a handler of its own, so that its middleware costs other requests nothing."""
