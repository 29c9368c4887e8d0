"""
id = "asyncio-tasks"
topic = "asyncio"
order = 140
source = "asyncio 文档“协程与任务”一章的改写 · after “Coroutines and Tasks” in the asyncio documentation"
time_limit_s = 30

[title]
zh = "asyncio 任务：就绪、等待、取消与超时"
en = "asyncio tasks: ready, waiting, cancelled, timed out"

[note]
zh = "协程对象本身不会运行；create_task 或 gather 把它包成任务，事件循环才会调度它。任务只在 await 到尚未完成的东西时让出线程，这时它在等待（定时器、队列、事件、另一个任务）；等到了，它变为就绪，但还要排队等循环轮到它。这里生产者经 Queue 唤醒消费者，消费者又用 Event.set() 同时唤醒所有选手：他们同时就绪，却一个接一个地运行，因为一个循环只有一个线程。取消并不是强行中止：cancel() 只是让任务在它等待的地方收到 CancelledError；超时就是定时器到点后的一次取消。"
en = "A coroutine object does not run by itself: create_task or gather wraps it in a task, which the event loop can schedule. A task gives up the thread only where it awaits something not yet done; then it is waiting (for a timer, a queue, an event, another task). Once that has come it is ready, yet still has to queue for its turn. Here a producer wakes a consumer through a Queue, and the consumer wakes all runners at once with Event.set(): they become ready together but run one after another, for a loop has one thread. Cancelling is no killing: cancel() makes CancelledError come up where the task waits, and a timeout is a cancellation by a timer."

[shows]
zh = "谁在等、谁已就绪、是谁唤醒了谁"
en = "Who waits, who is ready, and who woke whom"

[question]
text = { zh = "Event.set() 同时唤醒所有选手，每个选手醒来后都要计算一会儿。会看到什么？", en = "Event.set() wakes all runners at once, and each then computes for a while. What will be seen?" }
answers = [
    { zh = "大家同时运行", en = "They all run at the same time" },
    { zh = "同时变为就绪，然后一个接一个运行", en = "They become ready together, then run one after another" },
    { zh = "轮流运行，每人 5 毫秒", en = "They take turns of 5 ms each" },
    { zh = "只有第一个被唤醒", en = "Only the first is woken" },
]
correct = 1
explanation = { zh = "一个循环在一个线程里运行任务，任务不 await 就不会让出，也没有时间片。后面的选手一直就绪，等前面的算完。", en = "A loop runs its tasks in one thread. A task that does not await is never interrupted in favour of another, there is no time slice: the later runners stay ready until the earlier ones have finished computing." }
when = { runners = { minimum = 2 } }

[[parameters]]
name = "runners"
kind = "int"
default = 3
minimum = 1
maximum = 20
title = { zh = "选手数", en = "Runners" }

[[expected]]
check = "ready_together"
arguments = { named = "runner", least = "$runners" }
says = { zh = "所有选手同时变为就绪", en = "all runners were ready at the same time" }

[[expected]]
check = "in_turn"
arguments = { kind = "task", named = "runner", state = "running" }
says = { zh = "没有两个选手同时运行", en = "no two runners ran at once" }

[[expected]]
check = "ends_as"
arguments = { kind = "task", state = "cancelled", least = 2 }
says = { zh = "一个任务被取消，另一个因超时被取消", en = "one task was cancelled, another cancelled by a timeout" }

[[runs]]
title = { zh = "3 个选手", en = "3 runners" }

[[runs]]
title = { zh = "20 个选手：排在最后的等得最久", en = "20 runners: the last waits longest" }
parameters = { runners = 20 }
"""

import argparse
import asyncio

ITEMS = 3


async def produce(queue):
    for number in range(ITEMS):
        await asyncio.sleep(0.1)
        await queue.put(number)


async def consume(queue, start):
    for _ in range(ITEMS):
        print("item", await queue.get())
    start.set()


async def run(start):
    await start.wait()
    total = sum(range(2_000_000))
    print(asyncio.current_task().get_name(), total)


async def sleep_long():
    await asyncio.sleep(60)


async def main(runners):
    queue, start = asyncio.Queue(), asyncio.Event()
    waiting = [asyncio.create_task(run(start), name=f"runner {number}") for number in range(runners)]
    await asyncio.gather(produce(queue), consume(queue, start), *waiting)

    unwanted = asyncio.create_task(sleep_long(), name="unwanted")
    await asyncio.sleep(0.2)
    unwanted.cancel()

    try:
        async with asyncio.timeout(0.3):
            await asyncio.create_task(sleep_long(), name="too slow")
    except TimeoutError:
        print("timeout")


parser = argparse.ArgumentParser()
parser.add_argument("--runners", type=int, default=3)
asyncio.run(main(parser.parse_args().runners))
