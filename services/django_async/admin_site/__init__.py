"""Django's admin site, in a handler of its own: what it needs costs no other request anything."""
