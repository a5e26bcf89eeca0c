"""Creates a task, changes its status, and reads the changes from a stream that starts at the list's position."""

import urllib.request

from _address import ADDRESS
from aspire_sse import SSEClient, request

with urllib.request.urlopen(f"{ADDRESS}/tasks") as answer:
    position = answer.headers["X-Sse-Position"]

task = request("POST", f"{ADDRESS}/tasks", {"title": "Learn server-sent events"})
for status in ("in_progress", "done"):
    request("PUT", f"{ADDRESS}/tasks/status/{task['id']}?new_status={status}")

# The stream starts at the position of the read, so no change is missed although it opens later.
for event in SSEClient(f"{ADDRESS}/events/stream?types=task_created,task_updated", last_event_id=position):
    frame = event.json()
    if frame["data"].get("task_id") == task["id"]:
        print(frame["event"], frame["data"]["status"], frame["timestamp"])
        if frame["data"]["status"] == "done":
            break
