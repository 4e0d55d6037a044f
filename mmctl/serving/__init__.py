"""A gallery in the browser: a small web server for this machine; needs the extra ``serve``."""

from importlib.util import find_spec

for _name in ("fastapi", "python_multipart", "uvicorn"):
    if find_spec(_name) is None:
        raise ImportError(
            f"serving a gallery needs fastapi, uvicorn and python-multipart (no {_name}): pip "
            "install 'mmctl[serve]'"
        )
