"""Orders a pet, follows the order's steps and what they do to the stock, then asks for recommendations."""

import json
import threading
import urllib.request

from _address import ADDRESS
from aspire_sse import SSEClient, request

with urllib.request.urlopen(f"{ADDRESS}/v1/pets") as answer:
    pet = next(p for p in json.load(answer) if p["stock"] > 0)
    position = answer.headers["X-Sse-Position"]
told = threading.Event()


def on_stock(event):
    print(f"stock of {event.json()['petId']}: {event.json()['oldStock']} -> {event.json()['newStock']}")
    if event.json()["petId"] == pet["id"]:
        told.set()


# From the position of the read: it misses nothing, however late it connects.
inventory = SSEClient(f"{ADDRESS}/v1/inventory/stream", last_event_id=position).on("stock-change", on_stock)
watching = threading.Thread(target=inventory.run, daemon=True)
watching.start()

order = request("POST", f"{ADDRESS}/v1/orders", {"petId": pet["id"], "userId": "user-456"})
print(f"ordered {pet['name']}: {order['id']}")
for event in SSEClient(f"{ADDRESS}/v1/orders/{order['id']}/status/stream", ends=["complete"]):
    print("order:", event.json()["status"], event.json().get("trackingNumber", ""))

for event in SSEClient(f"{ADDRESS}/v1/pets/recommendations/stream?userId=user-456", ends=["complete"]):
    scored = event.json()
    print(f"{scored['name']}: {scored['score']} ({scored['reason']})" if event.event == "recommendation" else f"{scored['total']} in {scored['processingTime']} ms")

told.wait(10)
inventory.close()
watching.join()
