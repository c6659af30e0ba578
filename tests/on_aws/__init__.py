"""The first hour on real AWS: install, attach, invoke, detach, uninstall. See ``__main__``."""
