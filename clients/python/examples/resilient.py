"""Makes the source of a session fail twice and recover, then fail for good."""

from _address import ADDRESS
from aspire_sse import SSEClient, request

SESSION = f"{ADDRESS}/sse/resilient/example"

request("DELETE", f"{SESSION}/failure")  # left over from an earlier run
failures = 0
client = SSEClient(SESSION, ends=["error"])
for event in client:
    message = event.json()
    if event.event == "error":
        print("given up:", message["error"])
        break
    print(f"{message['id']}: {message['message']} (after {message['retry_count']} retries)")
    if message["id"] >= 2 and failures == 0:
        failures = 2
        print("the source fails twice now")
        request("POST", f"{SESSION}/failure", {"times": failures})
    if message["retry_count"] == 2:
        print("the source fails for good now")
        request("POST", f"{SESSION}/failure")
request("DELETE", f"{SESSION}/failure")
