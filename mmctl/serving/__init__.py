"""A gallery in the browser: a small web server for this machine; needs the extra ``serve``."""
