"""Creates a task, moves it on, and reads both changes from the stream that starts where the list was read."""

import urllib.request

from _address import ADDRESS
from aspire_sse import SSEClient, request

with urllib.request.urlopen(f"{ADDRESS}/tasks") as answer:
    position = answer.headers["X-Sse-Position"]

task = request("POST", f"{ADDRESS}/tasks", {"title": "Learn server-sent events"})
for status in ("in_progress", "done"):
    request("PUT", f"{ADDRESS}/tasks/status/{task['id']}?new_status={status}")

# Nothing lies between the read and the stream, although it opens only now.
for event in SSEClient(f"{ADDRESS}/events/stream?types=task_created,task_updated", last_event_id=position):
    frame = event.json()
    if frame["data"].get("task_id") == task["id"]:
        print(frame["event"], frame["data"]["status"], frame["timestamp"])
        if frame["data"]["status"] == "done":
            break
