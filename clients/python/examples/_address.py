"""The server's URL for the examples, and the import path of the package."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))

ADDRESS = (sys.argv[1] if len(sys.argv) > 1 else os.environ.get("STREAM_API", "http://localhost:5080")).rstrip("/")
