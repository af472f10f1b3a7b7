"""The scenario that every SDK runs against Veza: arguments url, token, room, encoding; a JSON report on the last line."""

import asyncio
import json
import sys

from centrifuge import (
    Client,
    PublicationContext,
    SubscribedContext,
    SubscriptionEventHandler,
)
from centrifuge.exceptions import CentrifugeError

url, token, room, encoding = sys.argv[1:5]
is_protobuf = encoding == "protobuf"
report = {"seen": [], "recovered": [], "errors": {}}
changed = asyncio.Event()


def data_of(value):
    return json.dumps(value).encode() if is_protobuf else value


def value_of(data):
    return json.loads(data) if isinstance(data, (bytes, bytearray)) else data


class OnRoom(SubscriptionEventHandler):
    async def on_subscribed(self, ctx: SubscribedContext) -> None:
        report["recovered"].append([ctx.was_recovering, ctx.recovered])
        changed.set()

    async def on_publication(self, ctx: PublicationContext) -> None:
        data = value_of(ctx.pub.data)
        if data["type"] == "typing":
            return
        report["seen"].append([ctx.pub.offset, data["clientMessageId"], data["body"]])
        changed.set()


async def until(condition):
    async def wait():
        while not condition():
            changed.clear()
            await changed.wait()

    await asyncio.wait_for(wait(), 30)


def post(name, body):
    return data_of({"type": "message.post", "clientMessageId": name, "body": body})


async def main():
    client = Client(url, token=token, use_protobuf=is_protobuf, min_reconnect_delay=0.05)
    await client.connect()
    await client.ready(10)
    sub = client.new_subscription("room:" + room, events=OnRoom())
    await sub.subscribe()
    await sub.ready(10)

    for n in range(5):
        await sub.publish(post(f"{encoding}-{n}", f"message {n}: 日本語 🎶"))
    await until(lambda: len(report["seen"]) == 5)

    await client.disconnect()
    other = Client(url, token=token, use_protobuf=is_protobuf)
    await other.connect()
    await other.ready(10)
    for n in range(5, 8):
        await other.publish("room:" + room, post(f"{encoding}-{n}", f"while away {n}"))
    await other.disconnect()
    await client.connect()
    await until(lambda: len(report["seen"]) == 8 and len(report["recovered"]) == 2)

    history = await sub.history(limit=2, reverse=True)
    report["history"] = [[pub.offset, value_of(pub.data)["clientMessageId"]] for pub in history.publications]
    report["presence"] = [info.user for info in (await sub.presence()).clients.values()]
    stats = await sub.presence_stats()
    report["stats"] = [stats.num_clients, stats.num_users]
    report["time"] = value_of((await client.rpc("time", data_of({}))).data)["now"] > 0
    for name, action in {
        "empty": lambda: sub.publish(post("x", "")),
        "unknown": lambda: client.publish("nonsense", data_of({})),
        "method": lambda: client.rpc("no such method", data_of({})),
    }.items():
        try:
            await action()
        except CentrifugeError as error:
            report["errors"][name] = getattr(error, "code", None)
    await client.disconnect()
    print(json.dumps(report))


asyncio.run(main())
