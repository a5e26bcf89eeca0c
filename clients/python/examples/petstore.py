"""Orders a pet, follows the order's steps and what they do to the stock, then asks for recommendations."""

import threading

from _address import ADDRESS
from aspire_sse import SSEClient, request

pets = request("GET", f"{ADDRESS}/v1/pets")
pet = next(p for p in pets if p["stock"] > 0)

inventory = SSEClient(f"{ADDRESS}/v1/inventory/stream")
inventory.on("stock-change", lambda e: print(f"stock of {e.json()['petId']}: {e.json()['oldStock']} -> {e.json()['newStock']}"))
watching = threading.Thread(target=inventory.run, daemon=True)
watching.start()

order = request("POST", f"{ADDRESS}/v1/orders", {"petId": pet["id"], "userId": "user-456"})
print(f"ordered {pet['name']}: {order['id']}")
for event in SSEClient(f"{ADDRESS}/v1/orders/{order['id']}/status/stream", ends=["complete"]):
    print("order:", event.json()["status"], event.json().get("trackingNumber", ""))

for event in SSEClient(f"{ADDRESS}/v1/pets/recommendations/stream?userId=user-456", ends=["complete"]):
    scored = event.json()
    print(f"{scored['name']}: {scored['score']} ({scored['reason']})" if event.event == "recommendation" else f"{scored['total']} in {scored['processingTime']} ms")

inventory.close()
watching.join()
