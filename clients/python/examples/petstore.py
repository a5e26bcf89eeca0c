"""Orders a pet, follows the order and the stock, then reads recommendations."""

import json
import threading
import urllib.request

from _address import ADDRESS
from aspire_sse import SSEClient, request

with urllib.request.urlopen(f"{ADDRESS}/v1/pets") as answer:
    pet = next(p for p in json.load(answer) if p["stock"] > 0)
    position = answer.headers["X-Sse-Position"]
stock_changed = threading.Event()


def on_stock(event):
    print(f"stock of {event.json()['petId']}: {event.json()['oldStock']} -> {event.json()['newStock']}")
    if event.json()["petId"] == pet["id"]:
        stock_changed.set()


# Starts at the position of the read, so it misses no change.
inventory = SSEClient(f"{ADDRESS}/v1/inventory/stream", last_event_id=position).on("stock-change", on_stock)
watching = threading.Thread(target=inventory.run, daemon=True)
watching.start()

order = request("POST", f"{ADDRESS}/v1/orders", {"petId": pet["id"], "userId": "user-456"})
print(f"ordered {pet['name']}: {order['id']}")
for event in SSEClient(f"{ADDRESS}/v1/orders/{order['id']}/status/stream", ends=["complete"]):
    print("order:", event.json()["status"], event.json().get("trackingNumber", ""))

for event in SSEClient(f"{ADDRESS}/v1/pets/recommendations/stream?userId=user-456", ends=["complete"]):
    scored = event.json()
    if event.event == "recommendation":
        print(f"{scored['name']}: {scored['score']} ({scored['reason']})")
    else:
        print(f"{scored['total']} in {scored['processingTime']} ms")

stock_changed.wait(10)
inventory.close()
watching.join()
